// Whether single keys do something. Who speaks to the computer, or has a key repeated by it, can switch them off.

const KEY = 'kiln.shortcuts';

export const shortcuts = {
  get on() {
    try {
      return localStorage.getItem(KEY) !== 'off';
    } catch {
      return true;
    }
  },
  set on(value) {
    try {
      if (value) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, 'off');
    } catch {
      // No storage: they stay as they are.
    }
  },
};
