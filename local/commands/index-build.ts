import { createHash, randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { crc32 } from 'node:zlib';
import { buildSnapshot } from '../../shared/format/indicator-snapshot/build-snapshot.ts';
import { type FeedFolder, type FolderFeed, readFeedFolder } from '../feeds/feed-folder.ts';
import { printable } from '../feeds/printable.ts';
import { type Command, type CommandIo, UsageError, write } from './command.ts';

export const command: Command = {
  name: 'index build',
  summary: 'build an indicator snapshot from a folder of feed files',
  usage: `index build DIR -o FILE [--json]

Reads every feed file of DIR (folders in it and hidden files are not looked at) and writes the indicator snapshot of
them all to FILE, at once or not at all. A file without a reader, a damaged one, and one without a single indicator are
skipped whole and named on stderr. MISP warning lists go in as such: they cap what the others list.

  -o, --output FILE   where to write
  --json              one JSON object a line: every feed, every skipped file, then the snapshot`,

  async run(args, io) {
    const { dir, output, json } = parseOptions(args);
    const report = reporter(io);
    const folder = await readFeedFolder(resolve(io.cwd, dir), {
      at: Date.now(),
      onFile: (file) => report.progress(printable(`reading ${file}`)),
      onSkipped: ({ file, reason }) => report.line(printable(`skipped ${file}: ${reason}`)),
    });
    if (folder.feeds.length === 0) {
      report.line(`threadwatch index build: ${dir} holds no feed that can be read`);
      return 1;
    }
    report.progress('building');
    const feeds = folder.feeds.map(({ name, kind, indicators }) => ({
      name,
      kind,
      ...indicators.content(),
    }));
    const bytes = buildSnapshot(feeds, { checksum: crc32, filter: true });
    report.progress('');
    await writeWhole(resolve(io.cwd, output), bytes);
    const built = {
      file: output,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    };
    await write(io.stdout, json ? asJson(folder, built) : asText(folder, built));
    return 0;
  },
};

interface Built {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

function parseOptions(args: readonly string[]): { dir: string; output: string; json: boolean } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      output: { type: 'string', short: 'o' },
      json: { type: 'boolean', default: false },
    },
  });
  const [dir, ...more] = positionals;
  if (dir === undefined || more.length > 0) {
    throw new UsageError(`one DIR was expected, found ${positionals.length}`);
  }
  if (values.output === undefined) throw new UsageError('-o FILE is missing: where to write');
  return { dir, output: values.output, json: values.json };
}

/** Lines stay on stderr; progress is one line that is written over, and only where someone looks at it. */
function reporter({ stderr }: CommandIo): {
  line: (text: string) => void;
  progress: (text: string) => void;
} {
  const over = 'isTTY' in stderr && stderr.isTTY === true ? '\r\u001b[K' : null;
  return {
    line: (text) => void stderr.write(`${over ?? ''}${text}\n`),
    progress: (text) => {
      if (over !== null) stderr.write(`${over}${text}`);
    },
  };
}

/** A reader of the file sees the old content or the new one, never a part; so it is after a crash. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function feedRecord({ name, kind, summary }: FolderFeed) {
  const { format, entries, indicators, duplicates, constrained, refused } = summary;
  return {
    record: 'feed',
    name,
    kind,
    format,
    entries,
    indicators,
    duplicates,
    constrained,
    refused,
  };
}

function asJson({ feeds, skipped }: FeedFolder, built: Built): string {
  const records = [
    ...feeds.map(feedRecord),
    ...skipped.map((file) => ({ record: 'skipped', ...file })),
    { record: 'snapshot', ...built },
  ];
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}

function asText({ feeds }: FeedFolder, { file, bytes, sha256 }: Built): string {
  const lines = feeds.map(({ name, summary }) => {
    const { indicators, entries, format, active } = summary;
    return `${printable(name)}: ${format}, ${indicators} indicators, ${active} in force, ${entries - indicators} refused\n`;
  });
  return `${lines.join('')}${file}: ${bytes} bytes, sha256 ${sha256}\n`;
}
