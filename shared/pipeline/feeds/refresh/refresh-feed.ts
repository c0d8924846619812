// One feed, once: fetch under its validators, read, hold against the last good state, and say what the record becomes.
import { hash } from 'node:crypto';
import {
  type FeedRecord,
  type FeedState,
  type FetchMemory,
  NO_MEMORY,
  newFeedRecord,
} from '../../../domain/indicator/feed.ts';
import type { FeedEntry } from '../../../domain/indicator/feed-entry.ts';
import { type Hold, holdOf, withState } from '../../../domain/indicator/feed-change.ts';
import type { IndicatorSnapshot } from '../../../format/indicator-snapshot/indicator-snapshot.ts';
import type { FeedFiles } from '../../../ports/feed-files.ts';
import type { Secrets } from '../../../ports/secrets.ts';
import { type Web, WebError, type WebLimits } from '../../../ports/web.ts';
import {
  type ConfiguredFeed,
  type FeedConfiguration,
  kindOf,
  refreshEveryOf,
  timeToLiveOf,
} from '../configuration/feed-configuration.ts';
import { type DocumentFormat, FeedFormatError } from '../read/feed-format.ts';
import { BodyHash, type BuiltState, buildState, readState } from './feed-state.ts';
import { readMispFeed } from '../fetch/misp-feed.ts';
import { Pieces } from '../fetch/pieces.ts';
import { newReport, readFeed } from '../read/read-feed.ts';
import {
  FetchError,
  type SourceContext,
  fetchIfChanged,
  refuseHtml,
  validatorsOf,
} from '../fetch/source.ts';
import { readTaxii } from '../fetch/taxii.ts';
import { unpack } from '../read/unpack.ts';

export interface FeedServices {
  readonly web: Web;
  readonly secrets: Secrets;
  readonly files: FeedFiles;
}

const MINUTE = 60_000;
/** The host ends a function after ten minutes; a feed that takes longer than this would take the others with it. */
const FETCH_MS = 4 * MINUTE;
const IDLE_MS = 30_000;
const MAX_REDIRECTS = 5;
const MAX_BACKOFF_DOUBLINGS = 10;

/** What a fetch gave. `state` is null where the source says that nothing changed. */
interface Fetched {
  readonly memory: FetchMemory;
  readonly state: {
    readonly built: BuiltState;
    readonly bodyHash: string;
    readonly pieces: Uint8Array | null;
  } | null;
  /** Parts that could not be had, in words; the rest is good. */
  readonly problems: readonly string[];
  readonly areMissing?: boolean;
}

export interface Attempt {
  /** What came of it. */
  readonly record: FeedRecord;
  /** What is no fault of the feed: a store that failed, or a bug. Null otherwise. */
  readonly error: Error | null;
}

/** Tries to refresh one feed; whatever stops it is in the record, and the next attempt is no sooner than for any failure. */
export async function refreshFeed(
  services: FeedServices,
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
  known: FeedRecord | null,
  now: number,
): Promise<Attempt> {
  const before = recordFor(feed, known);
  const attempted = { ...before, lastAttemptAt: now };
  try {
    const inUse = await stateInUse(services.files, configuration, feed, before, now);
    const fetched = await fetchFeed(services, feed, before, inUse, now);
    const next = await judged(services.files, feed, attempted, inUse, fetched, now);
    const record = { ...next, nextAttemptAt: nextAttempt(configuration, feed, now) };
    return { record, error: null };
  } catch (error) {
    const isOurs = !isOfTheFeed(error);
    const reason = isOurs ? INTERNAL : error;
    return {
      record: failed(attempted, configuration, feed, reason, now),
      error: isOurs ? (error as Error) : null,
    };
  }
}

/** The error itself is thrown and logged; what it says may be for us only. */
const INTERNAL = new FetchError('internal', 'Threadwatch itself failed; its log says how');

/** The file of the state in use is gone: whatever the source lists next is a first state, and it is asked at once. */
export function withLostState(record: FeedRecord, now: number): FeedRecord {
  const failure = failureOf(record, 'stateLost', 'the file of its last good state is lost', now);
  const nothing = { current: null, held: null, isPinned: false, memory: NO_MEMORY };
  return { ...record, ...nothing, failure, nextAttemptAt: now };
}

/** Whether an operator's request, a new source or the time asks for an attempt. */
export function isDue(feed: ConfiguredFeed, record: FeedRecord | null, now: number): boolean {
  if (record === null || record.source !== sourceOf(feed)) return true;
  const requested =
    record.requestedAt !== null && record.requestedAt >= (record.lastAttemptAt ?? 0);
  // An attempt in the future: the clock was wrong then, or is now.
  return requested || now >= record.nextAttemptAt || (record.lastAttemptAt ?? 0) > now;
}

/** The last good state is used for so long after its source last confirmed it. */
export function expiresAt(
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
  record: FeedRecord,
): number {
  if (record.current === null) return -Infinity;
  const kind = kindOf(feed, record.current.counts.format);
  const from = record.confirmedAt ?? record.current.fetchedAt;
  return from + timeToLiveOf(configuration, feed, kind);
}

/** Whether the state in use has outlived its time, so that nothing of the feed is matched. */
export function isFeedExpired(
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
  record: FeedRecord,
  now: number,
): boolean {
  return record.current !== null && expiresAt(configuration, feed, record) <= now;
}

/** With another address, format or policy nothing that was remembered of the fetches counts; the state stays in use. */
function recordFor(feed: ConfiguredFeed, known: FeedRecord | null): FeedRecord {
  const source = sourceOf(feed);
  if (known === null) return newFeedRecord(feed.name, source);
  return known.source === source ? known : { ...known, source, memory: NO_MEMORY, failure: null };
}

function sourceOf({ address, format, kind, credential, acceptTlpRed }: ConfiguredFeed): string {
  const parts = [READERS, address, format, kind ?? null, credential ?? null, acceptTlpRed];
  return hash('sha256', JSON.stringify(parts), 'hex').slice(0, 16);
}

/** Rises when a reader gives other entries for the same bytes: then every feed is read anew once. */
const READERS = 1;

function documentFormatOf({ format }: ConfiguredFeed): DocumentFormat | null {
  return format === 'auto' || format === 'taxii' || format === 'misp-feed' ? null : format;
}

interface StateInUse {
  readonly state: FeedState;
  readonly index: IndicatorSnapshot;
}

/** Whether the state was read from the feed as it is configured, and by the readers as they are now. */
function isReadAsNow(inUse: StateInUse | null, { source }: FeedRecord): inUse is StateInUse {
  return inUse?.state.source === source;
}

/** Null when there is none, it is lost, or it has outlived its time: then the next one is judged as a first one. */
async function stateInUse(
  files: FeedFiles,
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
  record: FeedRecord,
  now: number,
): Promise<StateInUse | null> {
  if (record.current === null || isFeedExpired(configuration, feed, record, now)) return null;
  const index = await readState(files, feed.name, record.current.id);
  return index === null ? null : { state: record.current, index };
}

async function fetchFeed(
  services: FeedServices,
  feed: ConfiguredFeed,
  record: FeedRecord,
  inUse: StateInUse | null,
  now: number,
): Promise<Fetched> {
  const context: SourceContext = {
    web: services.web,
    feed,
    secretHeaders: secretHeadersOf(feed, services.secrets),
    limits: limitsOf(feed),
    // Without a state in use "not modified" would leave the feed empty, or as it was read before.
    memory: isReadAsNow(inUse, record) ? record.memory : NO_MEMORY,
    now,
  };
  if (feed.format === 'taxii' || feed.format === 'misp-feed') {
    return fetchPieces(services.files, context, record, inUse);
  }
  return fetchDocument(context, inUse);
}

async function fetchDocument(context: SourceContext, inUse: StateInUse | null): Promise<Fetched> {
  const { feed, memory, now } = context;
  const format = documentFormatOf(feed);
  const response = await fetchIfChanged(context, feed.address, memory);
  if (response === null) return { memory, state: null, problems: [] };
  refuseHtml(response);
  const hashing = new BodyHash();
  const report = newReport();
  const body = hashing.watch(unpack(response.body, feed.maxBytes));
  const built = await buildState(
    feed,
    readFeed(body, format, report),
    report,
    inUse?.index ?? null,
    now,
  );
  if (report.format === 'misp-manifest') {
    throw new FeedFormatError(
      'noReader',
      'it is the manifest of a MISP feed: set its "format" to "misp-feed"',
    );
  }
  return {
    memory: { ...NO_MEMORY, ...validatorsOf(response) },
    state: { built, bodyHash: hashing.digest(), pieces: null },
    problems: [],
  };
}

async function fetchPieces(
  files: FeedFiles,
  context: SourceContext,
  record: FeedRecord,
  inUse: StateInUse | null,
): Promise<Fetched> {
  const { feed, now } = context;
  const piecesId = isReadAsNow(inUse, record) ? inUse.state.piecesId : null;
  const stored = piecesId === null ? null : await files.read(feed.name, piecesId);
  const known = stored === null ? null : Pieces.fromBytes(stored);
  const read = await (feed.format === 'taxii' ? readTaxii : readMispFeed)(
    known === null ? { ...context, memory: NO_MEMORY } : context,
    known,
  );
  if (read === null) return { memory: context.memory, state: null, problems: [] };
  const pieces = read.pieces.toBytes();
  const report = { ...newReport(), format: feed.format === 'taxii' ? 'stix' : 'misp' } as const;
  const built = await buildState(feed, entriesOf(read.pieces), report, inUse?.index ?? null, now);
  const bodyHash = hash('sha256', pieces, 'hex');
  const { memory, problems = [], areMissing = false } = read;
  return { memory, state: { built, bodyHash, pieces }, problems, areMissing };
}

/** Piece by piece: all entries at once are many times the size of their texts. */
function* entriesOf(pieces: Pieces): Generator<readonly FeedEntry[]> {
  for (const key of pieces.keys()) yield pieces.entriesOf(key);
}

/** What the record becomes when the source has answered. */
async function judged(
  files: FeedFiles,
  feed: ConfiguredFeed,
  record: FeedRecord,
  inUse: StateInUse | null,
  fetched: Fetched,
  now: number,
): Promise<FeedRecord> {
  const { memory, state: fresh } = fetched;
  const answered = { ...record, memory, failure: partialFailure(record, fetched, now) };
  if (fresh === null) return unchanged(answered, now);
  const { built, bodyHash, pieces } = fresh;
  if (isReadAsNow(inUse, record) && bodyHash === inUse.state.bodyHash) {
    return { ...answered, held: null, isPinned: false, confirmedAt: now, lastSuccessAt: now };
  }
  const state: FeedState = {
    id: await files.store(feed.name, built.bytes),
    bodyHash,
    source: record.source,
    isWarningList: built.isWarningList,
    fetchedAt: now,
    counts: built.counts,
    piecesId: pieces === null ? null : await files.store(feed.name, pieces),
  };
  const doubt = holdOf(built.counts, inUse?.state.counts ?? null, built.shared);
  if (inUse !== null && state.id === inUse.state.id && doubt === null) {
    // Only its comments, or the order of its lines, are other ones: that is no state to go back to.
    const current = { ...state, fetchedAt: inUse.state.fetchedAt };
    const kept = { held: null, isPinned: false, confirmedAt: now, lastSuccessAt: now };
    return { ...answered, ...kept, current };
  }
  // A pin ends with the state that it pins.
  const hold = record.isPinned && inUse !== null ? PINNED : doubt;
  if (hold === null) {
    return { ...withState(answered, state), isPinned: false, lastSuccessAt: now };
  }
  const held = { state, ...hold, since: record.held?.since ?? now };
  // Pieces that are held are not the ones that the next poll adds to: it must ask from where those in use end.
  return { ...answered, held, memory: pieces === null ? memory : record.memory };
}

const PINNED: Hold = {
  reason: 'rolledBack',
  explanation: 'the operator went back to an earlier state, and has not accepted a newer one since',
};

/** "Not modified" speaks of what the source gave last: of the held state, if there is one. */
function unchanged(record: FeedRecord, now: number): FeedRecord {
  return record.held === null ? { ...record, confirmedAt: now, lastSuccessAt: now } : record;
}

function partialFailure(record: FeedRecord, { problems, areMissing }: Fetched, now: number) {
  if (problems.length === 0) return null;
  const more = problems.length > 3 ? ` and ${problems.length - 3} more` : '';
  const code = areMissing === true ? 'missing' : 'partial';
  return failureOf(record, code, `${problems.slice(0, 3).join('; ')}${more}`, now);
}

function failureOf({ failure: last }: FeedRecord, code: string, message: string, now: number) {
  // Something that is missing for good is no failed attempt: those in a row begin anew behind it.
  const failure = last !== null && (last.code === 'missing') === (code === 'missing') ? last : null;
  const since = failure?.since ?? now;
  return { since, at: now, times: (failure?.times ?? 0) + 1, code, message };
}

function failed(
  record: FeedRecord,
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
  error: Error & { readonly code: string },
  now: number,
): FeedRecord {
  const failure = failureOf(record, error.code, error.message, now);
  const doublings = Math.min(failure.times - 1, MAX_BACKOFF_DOUBLINGS);
  const backoff = Math.min(MINUTE * 2 ** doublings, refreshEveryOf(configuration, feed));
  const asked = error instanceof FetchError ? (error.retryAt ?? 0) : 0;
  return { ...record, failure, nextAttemptAt: Math.max(now + backoff, asked) };
}

function isOfTheFeed(error: unknown): error is Error & { readonly code: string } {
  return (
    error instanceof FetchError || error instanceof WebError || error instanceof FeedFormatError
  );
}

/** Spread over a twentieth of the interval by the name, so that a hundred feeds do not come in one second. */
function nextAttempt(configuration: FeedConfiguration, feed: ConfiguredFeed, now: number): number {
  const every = refreshEveryOf(configuration, feed);
  const spread = parseInt(hash('sha256', feed.name, 'hex').slice(0, 8), 16) / 2 ** 32;
  return now + every - Math.floor((every / 20) * spread);
}

function limitsOf({ maxBytes }: ConfiguredFeed): WebLimits {
  return {
    totalMs: FETCH_MS,
    idleMs: IDLE_MS,
    maxWireBytes: maxBytes,
    maxBodyBytes: maxBytes,
    maxRedirects: MAX_REDIRECTS,
  };
}

function secretHeadersOf({ credential }: ConfiguredFeed, secrets: Secrets): Record<string, string> {
  if (credential === undefined) return {};
  const secret = readSecret(secrets, credential.setting);
  if (secret === null) {
    throw new FetchError('noCredential', `the app setting ${credential.setting} is not set`);
  }
  switch (credential.type) {
    case 'bearer':
      return { authorization: `Bearer ${secret}` };
    case 'basic': {
      const pair = Buffer.from(`${credential.user}:${secret}`).toString('base64');
      return { authorization: `Basic ${pair}` };
    }
    case 'header':
      return { [credential.header.toLowerCase()]: secret };
  }
}

function readSecret(secrets: Secrets, setting: string): string | null {
  try {
    return secrets.read(setting);
  } catch (cause) {
    // A Key Vault reference that did not resolve; the message names the setting and never its value.
    throw new FetchError('noCredential', (cause as Error).message, { cause });
  }
}
