// The demos, as the registry in Rust describes them: from a file while no worker is here yet.

const LIST = new URL('./demos.json', import.meta.url);

class Demos {
  all = [];

  async load() {
    try {
      const answer = await fetch(LIST);
      if (answer.ok) this.all = await answer.json();
    } catch {
      // A worker says where what it is asked to open lives.
    }
  }

  of(name) {
    return this.all.find((demo) => demo.name === name);
  }
}

export const demos = new Demos();
