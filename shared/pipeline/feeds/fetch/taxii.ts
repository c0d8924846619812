// TAXII 2.1: the indicators of one collection. docs/feeds.md tells what is asked of the server.
import { createHash } from 'node:crypto';
import { boundedLabels } from '../../../domain/indicator/indicator.ts';
import { field, type Fields, fieldsOf, textField } from '../../../format/stix/fields.ts';
import { readStixObject } from '../../../format/stix/indicator-object.ts';
import { compareModified } from '../../../format/stix/versions.ts';
import type { WebResponse } from '../../../ports/web.ts';
import { type Piece, Pieces } from './pieces.ts';
import { ReadBudget, readJsonBody } from './read-budget.ts';
import {
  FetchError,
  fetchFrom,
  hostOf,
  type ReadPieces,
  refuseHtml,
  type SourceContext,
} from './source.ts';

/** With its version: the OASIS server answers 406 to the bare media type. */
const ACCEPT = 'application/taxii+json;version=2.1';
const MEDIA_TYPES: ReadonlySet<string> = new Set([
  'application/taxii+json',
  'application/stix+json',
  'application/json',
  // None at all: then the envelope has to show that it is one.
  '',
]);
const PAGE_OBJECTS = '1000';
const MAX_PAGE_BYTES = 64 * 1024 ** 2;
const MAX_PAGES = 10_000;
/** In a row. A server that filters after it has cut its pages sends some. */
const MAX_EMPTY_PAGES = 1000;
/** It goes into a URL, for which servers commonly have 8 kB. */
const MAX_TOKEN_LENGTH = 4096;
/** Polls tell what is new, never what is gone. */
const FULL_READ_EVERY_MS = 7 * 24 * 60 * 60_000;

/**
 * What the collection has, or what was added to it since the last read. `known` takes up what is new, and is of no use
 * to the caller after a failure.
 */
export async function readTaxii(
  context: SourceContext,
  known: Pieces | null,
): Promise<ReadPieces | null> {
  const { memory, now } = context;
  const isPoll = known !== null && !isFullReadDue(context);
  const objects = new CollectionObjects(isPoll ? known : new Pieces());
  let { addedAfter } = memory;
  let isSilent = isPoll;
  for await (const page of pagesOf(context, isPoll ? addedAfter : null)) {
    if (page.objects.length > 0 || page.lastAdded !== null) isSilent = false;
    addedAfter = page.lastAdded ?? addedAfter;
    for (const object of page.objects) objects.add(object);
  }
  if (isSilent) return null;
  const fullReadAt = isPoll ? memory.fullReadAt : now;
  return { pieces: objects.settle(), memory: { ...memory, addedAfter, fullReadAt } };
}

function isFullReadDue({ memory, now }: SourceContext): boolean {
  if (memory.addedAfter === null || memory.fullReadAt === null) return true;
  const age = now - memory.fullReadAt;
  // Below 0 the clock was wrong then, or is now.
  return age < 0 || age >= FULL_READ_EVERY_MS;
}

/** Where the next page begins. Never both new: a token belongs to the query that gave it. */
interface Cursor {
  readonly addedAfter: string | null;
  readonly next: string | null;
}

interface Page {
  readonly objects: readonly unknown[];
  readonly more: boolean;
  readonly next: string | null;
  /** X-TAXII-Date-Added-Last as text: it has six fraction digits, of which a `Date` keeps three. */
  readonly lastAdded: string | null;
}

async function* pagesOf(context: SourceContext, since: string | null): AsyncGenerator<Page> {
  const objects = objectsUrl(context.feed.address);
  const budget = new ReadBudget(context);
  const progress = new Progress(objects.host);
  let cursor: Cursor | null = { addedAfter: since, next: null };
  while (cursor !== null) {
    progress.ask(cursor);
    const page = await fetchPage(context, pageUrl(objects, cursor), budget);
    progress.got(page);
    yield page;
    cursor = cursorAfter(cursor, page, objects.host);
  }
}

/** `…/collections/{id}/objects/`, with what the address asks for by itself (a `match` of the operator's) as its query. */
function objectsUrl(address: string): URL {
  const url = new URL(address);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  if (!url.pathname.endsWith('/objects/')) url.pathname += 'objects/';
  url.hash = '';
  const query = url.searchParams;
  query.delete('added_after');
  query.delete('next');
  if (!query.has('limit')) query.set('limit', PAGE_OBJECTS);
  if (!query.has('match[type]')) query.set('match[type]', 'indicator');
  return url;
}

/** The whole query on every page: servers forget the filters that are not told again. */
function pageUrl(objects: URL, { addedAfter, next }: Cursor): string {
  const url = new URL(objects);
  const query = new URLSearchParams(objects.searchParams);
  if (addedAfter !== null) query.set('added_after', addedAfter);
  if (next !== null) query.set('next', next);
  // A form writes blanks as `+`, which not every server undoes; a `+` itself is `%2B` here.
  url.search = query.toString().replaceAll('+', '%20');
  return url.href;
}

async function fetchPage(context: SourceContext, url: string, budget: ReadBudget): Promise<Page> {
  const limits = budget.limitsOf(context.limits);
  const response = await fetchFrom({ ...context, limits }, url, { accept: ACCEPT });
  refuseHtml(response);
  refuseOtherMedia(response);
  const document = await readJsonBody(response, budget, MAX_PAGE_BYTES);
  return { ...readEnvelope(document, hostOf(response)), lastAdded: lastAddedOf(response) };
}

function refuseOtherMedia(response: WebResponse): void {
  const [type = ''] = (response.headers['content-type'] ?? '').split(';');
  const name = type.trim().toLowerCase();
  if (MEDIA_TYPES.has(name)) return;
  response.discard();
  const host = hostOf(response);
  // `application/vnd.oasis.stix+json`
  if (name.startsWith('application/vnd.oasis.')) throw version20(host);
  throw new FetchError('mediaType', `${host} answers with another media type than that of TAXII`);
}

function lastAddedOf({ headers }: WebResponse): string | null {
  const text = headers['x-taxii-date-added-last'] ?? '';
  return /^[\x21-\x7e]{1,64}$/.test(text) ? text : null;
}

/** `{}` says that there is nothing; JSON that has none of an envelope's members says nothing at all. */
function readEnvelope(document: unknown, host: string): Omit<Page, 'lastAdded'> {
  const fields = fieldsOf(document);
  if (fields === null) throw badEnvelope(host, 'no object');
  if (textField(fields, 'type') === 'bundle') throw version20(host);
  const objects = field(fields, 'objects') ?? [];
  const more = field(fields, 'more') ?? false;
  const isOther = !['objects', 'more', 'next'].some((name) => Object.hasOwn(fields, name));
  if (isOther && Object.keys(fields).length > 0) throw badEnvelope(host, 'other members');
  if (!Array.isArray(objects)) throw badEnvelope(host, '"objects" that are no list');
  if (typeof more !== 'boolean') throw badEnvelope(host, 'a "more" that is not true or false');
  return { objects, more, next: readToken(field(fields, 'next'), host) };
}

/** Text by the standard; some servers count their pages. */
function readToken(next: unknown, host: string): string | null {
  if (next === undefined || next === null || next === '') return null;
  if (typeof next === 'number') return String(next);
  if (typeof next === 'string' && next.length <= MAX_TOKEN_LENGTH) return next;
  throw badEnvelope(host, 'a "next" that is no text, or too long');
}

function badEnvelope(host: string, found: string): FetchError {
  return new FetchError('badEnvelope', `${host} answers with no TAXII 2.1 envelope: ${found}`);
}

function version20(host: string): FetchError {
  return new FetchError('badEnvelope', `${host} speaks TAXII 2.0; only 2.1 is read`);
}

function cursorAfter(cursor: Cursor, page: Page, host: string): Cursor | null {
  if (!page.more) return null;
  if (page.next !== null) return { ...cursor, next: page.next };
  if (page.lastAdded !== null) return { addedAfter: page.lastAdded, next: null };
  throw new FetchError('loop', `${host} has more, but does not tell where`);
}

/** Sees that every page leads on: servers that ignore a token or a date send the same for ever. */
class Progress {
  readonly #host: string;
  readonly #asked = new Set<string>();
  #emptyPages = 0;
  #lastPage = '';

  constructor(host: string) {
    this.#host = host;
  }

  ask({ addedAfter, next }: Cursor): void {
    const place = JSON.stringify([addedAfter, next]);
    if (this.#asked.has(place)) throw this.#loop('leads back to a page that was read already');
    if (this.#asked.size >= MAX_PAGES) throw this.#loop(`has more than ${MAX_PAGES} pages`);
    this.#asked.add(place);
  }

  got({ objects, more }: Page): void {
    this.#emptyPages = objects.length === 0 ? this.#emptyPages + 1 : 0;
    if (more && this.#emptyPages >= MAX_EMPTY_PAGES) {
      throw this.#loop(`sends ${MAX_EMPTY_PAGES} empty pages in a row`);
    }
    if (objects.length === 0) return;
    const page = fingerprint(objects);
    if (page === this.#lastPage) throw this.#loop('sends the same page again');
    this.#lastPage = page;
  }

  #loop(what: string): FetchError {
    return new FetchError('loop', `${this.#host} ${what}`);
  }
}

/** Of the versions on a page, not of its text: a server that goes in circles makes new tokens. */
function fingerprint(objects: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const object of objects) hash.update(digestOf(fieldsOf(object) ?? {}));
  return hash.digest('hex');
}

/** Of the plain members only: nothing here follows an object as deep as a stranger nests it. */
function digestOf(fields: Fields): string {
  const members = Object.entries(fields).filter(([, value]) => typeof value !== 'object');
  const text = JSON.stringify(Object.fromEntries(members.toSorted(byName)));
  return createHash('sha256').update(text).digest('hex');
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

interface Revocation {
  readonly piece: Piece;
  readonly creator: string | null;
}

/** Who made a stored indicator, and whether it was withdrawn. */
interface Origin {
  readonly creator: string | null;
  readonly revoked: boolean;
}

/** The newest version of every indicator, in whatever order they come. */
class CollectionObjects {
  readonly #pieces: Pieces;
  readonly #revocations: Revocation[] = [];

  constructor(pieces: Pieces) {
    this.#pieces = pieces;
  }

  add(object: unknown): void {
    const reading = readStixObject(object);
    if (reading === null) return;
    const fields = fieldsOf(object)!;
    const key = reading.id ?? `without-id--${digestOf(fields)}`;
    const { modified: version, entries, author } = reading;
    const piece: Piece = { key, version, entries };
    if (reading.revoked) this.#revocations.push({ piece, creator: creatorOf(author) });
    else this.#keepIfNewer(piece);
  }

  /** Judges the revocations, once everything is there that they may speak of. */
  settle(): Pieces {
    for (const { piece, creator } of this.#revocations.splice(0)) {
      const origin = this.#originOf(piece.key);
      // STIX 2.1 section 3.6: only the creator of an object may revoke it.
      if (origin !== null && origin.creator !== creator) continue;
      if (this.#order(piece) === 0 && origin?.revoked === false) this.#pieces.set(piece);
      else this.#keepIfNewer(piece);
    }
    return this.#pieces;
  }

  #keepIfNewer(piece: Piece): void {
    if (this.#order(piece) > 0) this.#pieces.set(piece);
  }

  /** Above 0 if the piece is newer than the one that is kept, or the first. */
  #order({ key, version }: Piece): number {
    const kept = this.#pieces.versionOf(key);
    return kept === undefined ? 1 : compareModified(version, kept);
  }

  /** What was refused has no origin: there is nothing that a revocation could take away. */
  #originOf(key: string): Origin | null {
    for (const entry of this.#pieces.entriesOf(key)) {
      if (entry.kind === 'refused' || entry.detail === null) continue;
      const { standing, detail } = entry;
      return { creator: detail.sources[0] ?? null, revoked: standing === 'revoked' };
    }
    return null;
  }
}

/** In the form in which `readStixObject` keeps it. */
function creatorOf(author: string | null): string | null {
  return boundedLabels([author ?? ''])[0] ?? null;
}
