import type { Clock } from '../../ports/clock.ts';
import type { SecurityGroups } from '../../ports/security-groups.ts';
import { CompiledGroups } from './compiled-groups.ts';
import { KeptFresh } from './kept-fresh.ts';

/**
 * The security groups that this instance judges by: compiled once a revision, swapped between batches. So a change holds
 * everywhere when `freshMs` have passed.
 */
export class CurrentGroups {
  readonly #groups: SecurityGroups;
  readonly #kept: KeptFresh<CompiledGroups>;

  constructor(groups: SecurityGroups, clock: Clock, freshMs: number) {
    this.#groups = groups;
    this.#kept = new KeptFresh((loaded) => this.#read(loaded), clock, freshMs);
  }

  /** Groups that were held against the store lately enough; throws when that cannot be done now. */
  async fresh(): Promise<CompiledGroups> {
    return this.#kept.fresh();
  }

  /** Reads the store in any case. */
  async refresh(): Promise<CompiledGroups> {
    return this.#kept.refresh();
  }

  /** A revision that fell is one of a store that was restored or made anew. */
  async #read(loaded: CompiledGroups | null): Promise<CompiledGroups> {
    const set = await this.#groups.current();
    return set.revision === loaded?.revision ? loaded : new CompiledGroups(set);
  }
}
