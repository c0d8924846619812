import type { DataHeader, FileSummary } from '../../format/activity-log/header.ts';
import {
  NO_REMOTES,
  type RemoteAddresses,
  decodeRemoteAddresses,
  unionOf,
} from '../../format/activity-log/remote-addresses.ts';

/** A closing block of 256 kB is still cheaper than the file that it spares a reader. */
const MAX_REMOTES = 65_536;

/**
 * What the blocks of one file of the log hold together, gathered as they are appended, for the block that closes it. Whoever did
 * not append every block does not know, and says so: then a search reads the file.
 */
export class FileContents {
  readonly #file: string | null;
  #summary: FileSummary | null = null;
  /** Each more than twice as large as the next: a block costs what it adds, not what the file holds. */
  #parts: RemoteAddresses[] = [];
  #hasTooMany = false;
  #blocks = 0;

  constructor(file: string | null) {
    this.#file = file;
  }

  isOf(file: string): boolean {
    return this.#file === file;
  }

  add(header: DataHeader, remotes: Uint8Array): void {
    const { epoch, fromSequence, toSequence, firstHubTime, lastHubTime, snapshot } = header;
    const before = this.#summary;
    this.#summary = {
      first: before?.first ?? { epoch, sequence: fromSequence },
      last: { epoch, sequence: toSequence },
      firstHubTime: Math.min(before?.firstHubTime ?? Infinity, firstHubTime),
      lastHubTime: Math.max(before?.lastHubTime ?? -Infinity, lastHubTime),
      lastSnapshot: snapshot.ordinal,
    };
    this.#blocks++;
    if (this.#hasTooMany) return;
    this.#parts.push(decodeRemoteAddresses(remotes));
    for (let i = this.#parts.length - 2; i >= 0; i--) {
      if (sizeOf(this.#parts[i]!) > 2 * sizeOf(this.#parts[i + 1]!)) break;
      this.#parts.splice(i, 2, unionOf(this.#parts[i]!, this.#parts[i + 1]!));
    }
    this.#hasTooMany = sizeOf(this.#parts[0]!) > MAX_REMOTES;
    if (this.#hasTooMany) this.#parts = [];
  }

  /** For the block that closes `file` behind so many data blocks. */
  closing(file: string, blocks: number): { summary: FileSummary | null; remotes: RemoteAddresses } {
    const remotes = this.#parts.reduceRight(unionOf, NO_REMOTES);
    const isWhole = this.isOf(file) && this.#blocks === blocks && !this.#hasTooMany;
    return isWhole && sizeOf(remotes) <= MAX_REMOTES
      ? { summary: this.#summary, remotes }
      : { summary: null, remotes: NO_REMOTES };
  }
}

function sizeOf({ ipv4, ipv6 }: RemoteAddresses): number {
  return ipv4.length + ipv6.length / 4;
}
