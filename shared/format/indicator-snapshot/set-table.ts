import { SET_WORDS } from './layout.ts';
import { U32List } from './u32-list.ts';

/**
 * The sets of provenances that addresses share. A set has its own members and, for a prefix inside another, a parent:
 * so nesting costs what was listed, never the product of depth and members. Equal sets are one.
 */
export class SetTable {
  readonly #sets = new U32List();
  readonly #members = new U32List();
  readonly #known = new Map<string, number>();

  constructor() {
    for (let word = 0; word < SET_WORDS; word++) this.#sets.push(0);
  }

  /** The number of the set; `members` sorted and distinct. A parent is always numbered below its children. */
  add(parent: number, bits: number, members: readonly number[]): number {
    const key = `${parent}/${bits}/${members.join()}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const id = this.#sets.length / SET_WORDS;
    for (const word of [parent, bits, this.#members.length, members.length]) this.#sets.push(word);
    for (const member of members) this.#members.push(member);
    this.#known.set(key, id);
    return id;
  }

  get sets(): Uint32Array {
    return this.#sets.view();
  }

  get members(): Uint32Array {
    return this.#members.view();
  }
}
