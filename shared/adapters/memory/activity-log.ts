import {
  type ActivityLog,
  type AppendOutcome,
  type LogFile,
  LogFileGoneError,
  type PartitionRef,
} from '../../ports/activity-log.ts';

export class MemoryActivityLog implements ActivityLog {
  readonly #files = new Map<string, { ref: PartitionRef; files: Map<string, Uint8Array> }>();

  async partitions(): Promise<readonly PartitionRef[]> {
    return [...this.#files.values()].filter(({ files }) => files.size > 0).map(({ ref }) => ref);
  }

  async files(partition: PartitionRef, fromName = ''): Promise<readonly LogFile[]> {
    return [...this.#of(partition)]
      .filter(([name]) => name >= fromName)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, bytes]) => ({ name, sizeBytes: bytes.length }));
  }

  async read(partition: PartitionRef, file: string, from: number, to: number): Promise<Uint8Array> {
    const bytes = this.#of(partition).get(file);
    if (bytes === undefined) throw new LogFileGoneError(`there is no file ${file}`);
    return bytes.slice(from, to);
  }

  async append(
    partition: PartitionRef,
    file: string,
    offset: number,
    bytes: Uint8Array,
  ): Promise<AppendOutcome> {
    const before = this.#of(partition).get(file);
    if (before?.length !== offset) return 'conflict';
    const after = new Uint8Array(offset + bytes.length);
    after.set(before);
    after.set(bytes, offset);
    this.#of(partition).set(file, after);
    return 'appended';
  }

  async create(partition: PartitionRef, file: string): Promise<boolean> {
    const files = this.#of(partition);
    if (files.has(file)) return false;
    files.set(file, new Uint8Array(0));
    return true;
  }

  #of(ref: PartitionRef): Map<string, Uint8Array> {
    const key = JSON.stringify([ref.stream, ref.partition]);
    let entry = this.#files.get(key);
    if (entry === undefined) {
      entry = { ref: { stream: ref.stream, partition: ref.partition }, files: new Map() };
      this.#files.set(key, entry);
    }
    return entry.files;
  }
}
