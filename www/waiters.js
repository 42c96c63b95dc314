// Promises that are kept when a condition is met.

export class Waiters {
  #list = [];

  until(condition) {
    return new Promise((resolve, reject) => this.#list.push({ condition, resolve, reject }));
  }

  /** Gives everybody who waits another condition. */
  replace(condition) {
    for (const waiter of this.#list) waiter.condition = condition;
  }

  /** Answers everybody whose condition is met, and says how many they were. */
  check(value) {
    const met = this.#list.filter(({ condition }) => condition(value));
    this.#list = this.#list.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve();
    return met.length;
  }

  /** Answers the one who has waited longest. */
  next(value) {
    this.#list.shift()?.resolve(value);
  }

  /** Refuses the one who has waited longest. */
  refuse(error) {
    this.#list.shift()?.reject(error);
  }

  /** Answers everybody. */
  resolve() {
    for (const { resolve } of this.#list.splice(0)) resolve();
  }

  reject(error) {
    for (const { reject } of this.#list.splice(0)) reject(error);
  }
}
