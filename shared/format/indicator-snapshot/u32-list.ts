/** A list of u32 that grows: four bytes an entry where an array of numbers takes up to forty. */
export class U32List {
  #values = new Uint32Array(256);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Uint32Array(this.#length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }

  /** A view, valid until the next `push`. */
  view(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }
}
