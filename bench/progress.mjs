/** Says what is being done: in one line that changes on a terminal, in a line for each step elsewhere. */
export class Progress {
  #isTerminal = process.stderr.isTTY === true;
  #step = '';
  #started = performance.now();

  /** What is left, in front of what is shown next. */
  begin(step) {
    this.#step = step;
    if (!this.#isTerminal) process.stderr.write(`${this.#seconds()} ${step}\n`);
  }

  show(text) {
    if (this.#isTerminal) process.stderr.write(`\r\x1b[2K${this.#seconds()} ${this.#step} ${text}`.slice(0, columns()));
  }

  end() {
    if (this.#isTerminal) process.stderr.write('\r\x1b[2K');
  }

  #seconds() {
    return `${Math.round((performance.now() - this.#started) / 1000)} s`.padStart(6);
  }
}

function columns() {
  // The two escape sequences take no room.
  return (process.stderr.columns ?? 80) + 5;
}
