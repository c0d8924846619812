// A MISP feed (misp-core-format): a folder with `manifest.json` and a file for each event.
import { NO_MEMORY } from '../../../domain/indicator/feed.ts';
import { readMispEvent } from '../../../format/misp/event.ts';
import {
  type MispManifest,
  type MispManifestEntry,
  readMispManifest,
} from '../../../format/misp/manifest.ts';
import { WebError, type WebResponse } from '../../../ports/web.ts';
import { atOnce } from '../../at-once.ts';
import { Pieces } from './pieces.ts';
import { ReadBudget, readJsonBody } from './read-budget.ts';
import {
  FetchError,
  fetchFrom,
  fetchIfChanged,
  hostOf,
  type ReadPieces,
  refuseHtml,
  type SourceContext,
  type Validators,
  validatorsOf,
} from './source.ts';

const MANIFEST = 'manifest.json';
const MAX_DOCUMENT_BYTES = 64 * 1024 ** 2;
const MAX_EVENTS = 50_000;
const EVENTS_AT_ONCE = 4;
const MAX_PROBLEMS = 20;

const ACCEPT = { accept: 'application/json, */*;q=0.5' };

type ManifestAnswer = MispManifest & Validators;

/**
 * What the feed has, of which only the events that changed are fetched; null if its manifest did not change. `known` takes
 * up what is new, and is of no use to the caller after a failure.
 */
export async function readMispFeed(
  context: SourceContext,
  known: Pieces | null,
): Promise<ReadPieces | null> {
  const folder = new EventFolder(context);
  const manifest = await readManifest(context, folder, known !== null);
  if (manifest === null) return null;
  const pieces = known ?? new Pieces();
  const failures = await readEvents(manifest.events, pieces, folder);
  dropWithdrawn(manifest, pieces);
  // Without validators the next poll gets the manifest again, and with it another try at what failed.
  const { etag, lastModified } = failures.count > 0 ? NO_MEMORY : manifest;
  return {
    pieces,
    memory: { ...context.memory, etag, lastModified },
    problems: problemsOf(manifest, failures),
    areMissing: manifest.refused === 0 && failures.areMissing,
  };
}

/** The files of the feed's folder, one budget over all of them. */
class EventFolder {
  readonly #context: SourceContext;
  readonly #folder: URL;
  readonly #budget: ReadBudget;

  constructor(context: SourceContext) {
    this.#context = context;
    this.#folder = folderOf(context.feed.address);
    this.#budget = new ReadBudget(context);
  }

  get host(): string {
    return this.#folder.host;
  }

  /** More came than the feed may have: that is no fault of one event. */
  get isOverdrawn(): boolean {
    return this.#budget.isOverdrawn;
  }

  /** `name` is a plain file name. */
  async get(name: string): Promise<WebResponse> {
    const response = await fetchFrom(this.#limited(), this.#urlOf(name), ACCEPT);
    refuseHtml(response);
    return response;
  }

  /** Null where it did not change since `validators`. */
  async getIfChanged(name: string, validators: Validators): Promise<WebResponse | null> {
    const url = this.#urlOf(name);
    const response = await fetchIfChanged(this.#limited(), url, validators, ACCEPT);
    if (response !== null) refuseHtml(response);
    return response;
  }

  async json(response: WebResponse): Promise<unknown> {
    return readJsonBody(response, this.#budget, MAX_DOCUMENT_BYTES);
  }

  #limited(): SourceContext {
    return { ...this.#context, limits: this.#budget.limitsOf(this.#context.limits) };
  }

  /** Keeps the query of the address: storage links are signed there. */
  #urlOf(name: string): string {
    const url = new URL(name, this.#folder);
    url.search = this.#folder.search;
    return url.href;
  }
}

/** The address is that of the folder or of its manifest. */
function folderOf(address: string): URL {
  const url = new URL(address);
  url.hash = '';
  if (url.pathname.endsWith(`/${MANIFEST}`)) {
    url.pathname = url.pathname.slice(0, -MANIFEST.length);
  } else if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

async function readManifest(
  { memory }: SourceContext,
  folder: EventFolder,
  isConditional: boolean,
): Promise<ManifestAnswer | null> {
  const response = await folder.getIfChanged(MANIFEST, isConditional ? memory : NO_MEMORY);
  if (response === null) return null;
  const manifest = readMispManifest(await folder.json(response));
  if (manifest === null) {
    throw new FetchError('badManifest', `${hostOf(response)} answers with no MISP manifest`);
  }
  if (manifest.events.length > MAX_EVENTS) {
    throw new FetchError('tooLarge', `its manifest names more than ${MAX_EVENTS} events`);
  }
  return { ...manifest, ...validatorsOf(response) };
}

/** Fetches what changed. What cannot be read is named in `failures`, and stays as it was known. */
async function readEvents(
  events: readonly MispManifestEntry[],
  pieces: Pieces,
  folder: EventFolder,
): Promise<EventFailures> {
  const failures = new EventFailures(events.length);
  const wanted = events.filter((event) => isWanted(event, pieces));
  await atOnce(wanted, EVENTS_AT_ONCE, async (event) => {
    try {
      if (failures.areFinal) throw new FetchError('notAsked', 'not asked for any more');
      await readEvent(event, pieces, folder);
    } catch (error) {
      if (!(error instanceof FetchError || error instanceof WebError)) throw error;
      if (folder.isOverdrawn) throw error;
      failures.add(event.uuid, error);
    }
  });
  failures.refuseMost(folder.host);
  return failures;
}

/** An event whose time does not read has no version: only itself can tell. */
function isWanted({ uuid, timestamp }: MispManifestEntry, pieces: Pieces): boolean {
  return timestamp === null || pieces.versionOf(uuid) !== String(timestamp);
}

async function readEvent(
  { uuid, timestamp }: MispManifestEntry,
  pieces: Pieces,
  folder: EventFolder,
): Promise<void> {
  const document = await folder.json(await folder.get(`${uuid}.json`));
  const event = readMispEvent(document);
  if (event === null) throw new FetchError('badEvent', 'it is no MISP event');
  if (event.uuid?.toLowerCase() !== uuid.toLowerCase()) {
    throw new FetchError('badEvent', 'it has another uuid than its file');
  }
  // The manifest's time, even if the event was changed since: the next manifest will tell.
  const version = timestamp === null ? null : String(timestamp);
  pieces.set({ key: uuid, version, entries: event.entries });
}

/** The events that could not be read, and when that makes the feed the broken one. */
class EventFailures {
  readonly #events: number;
  readonly #reasons = new Map<string, string>();
  #first: FetchError | WebError | null = null;
  #missing = 0;
  #isServerTired = false;
  #retryAt: number | null = null;

  constructor(events: number) {
    this.#events = events;
  }

  get count(): number {
    return this.#reasons.size;
  }

  get areMissing(): boolean {
    return this.#missing === this.count;
  }

  /** Asking for more events is of no use, or not wanted: the server told when to come again. */
  get areFinal(): boolean {
    return this.#isServerTired || this.#areMost;
  }

  add(uuid: string, error: FetchError | WebError): void {
    this.#reasons.set(uuid, error.message);
    this.#first ??= error;
    if (!(error instanceof FetchError)) return;
    if (error.code === 'http404' || error.code === 'http410') this.#missing++;
    if (error.code === 'http429' || error.retryAt !== null) this.#isServerTired = true;
    this.#retryAt ??= error.retryAt;
  }

  /**
   * Of all events, not of those that changed: an event that is missing for good is one of one at every poll (the manifest
   * of Infoblox names 46 events, its folder holds 45).
   */
  get #areMost(): boolean {
    return this.count * 2 > this.#events;
  }

  refuseMost(host: string): void {
    if (!this.#areMost) return;
    const why = this.#first?.message ?? '';
    throw new FetchError(
      'brokenEvents',
      `${host}: most of its ${this.#events} events cannot be read; the first: ${why}`,
      { cause: this.#first, retryAt: this.#retryAt },
    );
  }

  /** In words, so many that one can read them. */
  told(): readonly string[] {
    const all = [...this.#reasons].map(([uuid, reason]) => `event ${uuid}: ${reason}`);
    const more = all.length - MAX_PROBLEMS;
    return more > 0 ? [...all.slice(0, MAX_PROBLEMS), `${more} more events`] : all;
  }
}

function dropWithdrawn({ events }: MispManifest, pieces: Pieces): void {
  const named = new Set(events.map(({ uuid }) => uuid));
  for (const key of pieces.keys()) if (!named.has(key)) pieces.delete(key);
}

function problemsOf({ refused }: MispManifest, failures: EventFailures): readonly string[] {
  const told = failures.told();
  return refused === 0 ? told : [`${refused} members of its manifest name no event`, ...told];
}
