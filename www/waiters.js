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

  check(value) {
    const met = this.#list.filter(({ condition }) => condition(value));
    this.#list = this.#list.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve();
  }

  /** Answers the one who has waited longest. */
  next(value) {
    this.#list.shift()?.resolve(value);
  }

  reject(error) {
    for (const { reject } of this.#list.splice(0)) reject(error);
  }
}
