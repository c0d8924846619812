// Which parts of the IPv4 address space any range touches: one bit each, made from the ranges when first asked for.

/** 512 kB: beside the filter, a map of 2 MB found its place in the cache less often than it spared a search. */
const MAX_BITS = 22;
/** So many cells for each range, at least: few of them touch a range that the address is not in. */
const CELLS_A_RANGE_BITS = 8;

/**
 * Most addresses lie in no range: for those one load answers. With 50,000 prefixes a question takes 4 to 5 ns
 * (bench/lookup.ts).
 */
export class RangeMap {
  /** The cell of an address is what is left of it by this shift. */
  readonly shift: number;
  /** Cell `c` is bit `c` of all. */
  readonly cells: Uint32Array;

  /** `starts` in order, the first one 0; a range reaches to the next start, and lists something if its set is not 0. */
  constructor(starts: Uint32Array, sets: Uint32Array) {
    const wanted = 32 - Math.clz32(starts.length - 1) + CELLS_A_RANGE_BITS;
    const bits = Math.min(wanted, MAX_BITS);
    this.shift = 32 - bits;
    this.cells = new Uint32Array(2 ** (bits - 5));
    for (let i = 0; i < starts.length; i++) {
      if (sets[i] === 0) continue;
      const end = i + 1 < starts.length ? starts[i + 1]! : 2 ** 32;
      this.#fill(starts[i]! >>> this.shift, (end - 1) >>> this.shift);
    }
  }

  #fill(first: number, last: number): void {
    const [from, to] = [first >>> 5, last >>> 5];
    const [head, tail] = [-1 << first, -1 >>> ~last];
    if (from === to) {
      this.cells[from]! |= head & tail;
      return;
    }
    this.cells[from]! |= head;
    this.cells.fill(0xffff_ffff, from + 1, to);
    this.cells[to]! |= tail;
  }
}
