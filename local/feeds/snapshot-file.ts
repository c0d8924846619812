import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import type { IndicatorSnapshot } from '../../shared/format/indicator-snapshot/indicator-snapshot.ts';
import { openSnapshot } from '../../shared/format/indicator-snapshot/open-snapshot.ts';
import type { CommandIo } from '../commands/command.ts';

/** The snapshot in a file; `-` is stdin. Throws a `SnapshotError` if it is none. */
export async function readSnapshotFile(
  file: string,
  io: Pick<CommandIo, 'stdin' | 'cwd'>,
): Promise<IndicatorSnapshot> {
  const bytes = file === '-' ? await buffer(io.stdin) : await readFile(resolve(io.cwd, file));
  return openSnapshot(bytes, crc32);
}
