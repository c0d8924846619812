import { createReadStream } from 'node:fs';
import { basename, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatPrefix } from '../../shared/domain/address/prefix.ts';
import type { FeedEntry } from '../../shared/domain/indicator/feed-entry.ts';
import { parseInstant } from '../../shared/domain/time/instant.ts';
import {
  DOCUMENT_FORMATS,
  type DocumentFormat,
  FeedFormatError,
} from '../../shared/pipeline/feeds/read/feed-format.ts';
import { newReport, readFeed } from '../../shared/pipeline/feeds/read/read-feed.ts';
import { type FeedSummary, Tally, stateOf } from '../../shared/pipeline/feeds/read/tally.ts';
import { unpack } from '../../shared/pipeline/feeds/read/unpack.ts';
import { type Command, UsageError, write } from './command.ts';

/** Refused entries that the readable report shows; `--json` prints all. */
const SHOWN_REFUSED = 10;

export const command: Command = {
  name: 'feeds parse',
  summary: 'print the indicators of a feed file and what was refused',
  usage: `feeds parse FILE [--format F] [--at TIME] [--json]

Reads one feed document and says what each entry is: lists of addresses, networks and ranges, CSV, JSON and JSON lines,
STIX 2.0 and 2.1 bundles, MISP events and exports, MISP warning lists. FILE may be gzip or zstd, - is stdin. What it is, its
content tells, unless --format does: ${DOCUMENT_FORMATS.join(', ')}. A file that nothing reads is refused.

  --format F   do not judge by the content
  --at TIME    the time at which validity is judged, ISO 8601 (default: now)
  --json       one JSON object a line: every indicator, every refused entry, then a summary

Private, reserved and multicast addresses are refused (bogon), and what is broader than an IPv4 /8 or an IPv6 /16
(tooBroad), except on warning lists. An address with a port is an indicator for that port only.`,

  async run(args, io) {
    const { file, format, at, json } = parseOptions(args);
    const source = file === '-' ? io.stdin : createReadStream(resolve(io.cwd, file));
    const tally = new Tally(at);
    const report = newReport();
    const refused: string[] = [];
    try {
      for await (const entries of readFeed(unpack(source), format, report)) {
        for (const entry of entries) tally.add(entry);
        if (json) await write(io.stdout, entries.map((entry) => toJson(entry, at)).join(''));
        else refused.push(...shownRefusals(entries, SHOWN_REFUSED - refused.length));
      }
    } catch (error) {
      if (!(error instanceof FeedFormatError)) throw error;
      io.stderr.write(`threadwatch feeds parse: ${file}: ${error.message}\n`);
      return 1;
    }
    const summary = tally.summary(report.format);
    await write(io.stdout, json ? summaryJson(summary) : asText(file, summary, refused));
    return 0;
  },
};

interface Options {
  readonly file: string;
  readonly format: DocumentFormat | null;
  readonly at: number;
  readonly json: boolean;
}

function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      format: { type: 'string' },
      at: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) {
    throw new UsageError(`one FILE was expected, found ${positionals.length}`);
  }
  const format = DOCUMENT_FORMATS.find((known) => known === values.format) ?? null;
  if (values.format !== undefined && format === null) {
    throw new UsageError(
      `--format ${values.format}: one of ${DOCUMENT_FORMATS.join(', ')} was expected`,
    );
  }
  const at = values.at === undefined ? Date.now() : parseInstant(values.at);
  if (at === null) {
    throw new UsageError(
      `--at ${values.at}: an ISO 8601 time was expected, as 2026-08-23T00:00:00Z`,
    );
  }
  return { file, format, at, json: values.json };
}

function toJson(entry: FeedEntry, at: number): string {
  if (entry.kind === 'refused') {
    const { reason, line, id, text } = entry;
    return `${JSON.stringify({ record: 'refused', reason, line, id, text })}\n`;
  }
  const { nets, line, detail } = entry;
  const record = {
    record: 'indicator',
    nets: nets.map(formatPrefix),
    state: stateOf(entry, at),
    line,
    id: detail?.id ?? null,
    constraint: detail?.constraint ?? null,
    validFrom: detail?.validFrom ?? null,
    validUntil: detail?.validUntil ?? null,
    confidence: detail?.confidence ?? null,
    labels: detail?.labels ?? [],
    tlp: detail?.tlp ?? null,
  };
  return `${JSON.stringify(record)}\n`;
}

function summaryJson(summary: FeedSummary): string {
  return `${JSON.stringify({ record: 'summary', ...summary })}\n`;
}

function shownRefusals(entries: readonly FeedEntry[], most: number): string[] {
  return entries
    .filter((entry) => entry.kind === 'refused')
    .slice(0, Math.max(most, 0))
    .map(
      ({ line, id, reason, text }) =>
        `  ${line === null ? (id ?? '-') : `line ${line}`}  ${reason}  ${text}\n`,
    );
}

function asText(file: string, summary: FeedSummary, refused: readonly string[]): string {
  const { format, entries, indicators, active, duplicates, constrained } = summary;
  const reasons = Object.entries(summary.refused).filter(([, count]) => count > 0);
  const total = reasons.reduce((sum, [, count]) => sum + count, 0);
  const listed = reasons.map(([reason, count]) => `${reason} ${count}`).join(', ');
  return [
    `${file === '-' ? 'stdin' : basename(file)}: ${entries} entries, read as ${format}\n`,
    `${indicators} indicators: ${active} active, ${duplicates} duplicates, ${constrained} with a port, direction or protocol\n`,
    total === 0 ? 'nothing refused\n' : `${total} refused: ${listed}\n`,
    ...refused,
    total > refused.length ? `  and ${total - refused.length} more; --json prints all\n` : '',
  ].join('');
}
