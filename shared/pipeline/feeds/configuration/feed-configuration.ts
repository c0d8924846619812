// The one file that says which feeds there are: `configuration/feeds.json`. docs/feeds.md explains every field.
import * as z from 'zod';
import { FEED_KINDS, type FeedKind } from '../../../domain/indicator/feed-kind.ts';
import { TLPS } from '../../../domain/indicator/tlp.ts';
import { parseDuration } from '../../../domain/time/duration.ts';
import type { Configuration } from '../../../ports/configuration.ts';
import { FEED_FORMATS } from '../read/feed-format.ts';

export const FEEDS_FILE = 'feeds';

/** The configuration is not what it must be: names each field and says what was expected. */
export class ConfigurationError extends Error {
  readonly code = 'CONFIGURATION';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const duration = (least: number, most: number) =>
  z.string().transform((text, context) => {
    const milliseconds = parseDuration(text);
    if (milliseconds === null) {
      context.addIssue('an ISO 8601 duration is expected, as PT1H or P7D');
      return z.NEVER;
    }
    if (milliseconds < least || milliseconds > most) {
      context.addIssue(`at least ${least / MINUTE} minutes and at most ${most / DAY} days`);
      return z.NEVER;
    }
    return milliseconds;
  });
const refreshEvery = duration(MINUTE, 30 * DAY);
const timeToLive = duration(60 * MINUTE, 3650 * DAY);

/** Part of blob names and of paths. */
const name = z.string().regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/, {
  error: 'letters, digits, ".", "_" and "-", at most 64 of them, a letter or digit at both ends',
});

const setting = z.string().regex(/^FeedCredential[A-Za-z0-9_]{0,100}$/, {
  error: 'the name of an app setting that begins with FeedCredential (never the secret itself)',
});
const Credential = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('bearer'), setting }),
  z.strictObject({ type: z.literal('basic'), user: z.string().min(1).max(200), setting }),
  z.strictObject({
    type: z.literal('header'),
    header: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, { error: 'the name of an HTTP header' }),
    setting,
  }),
]);

const Feed = z.strictObject({
  name,
  address: z
    .url({ protocol: /^https?$/, error: 'an https:// address of at most 2000 characters' })
    .max(2000),
  enabled: z.boolean().default(true),
  /** `auto`: judged by the content. */
  format: z.enum(['auto', ...FEED_FORMATS]).default('auto'),
  kind: z.enum(FEED_KINDS).optional(),
  /** For indicators whose feed says nothing of its own. */
  confidence: z.int().min(0).max(100).nullable().default(null),
  /** `both` also lifts the directions that the feed itself names. */
  direction: z.enum(['source', 'destination', 'both']).optional(),
  tlp: z.enum(TLPS).nullable().default(null),
  acceptTlpRed: z.boolean().default(false),
  /** Indicators below it are left out; those without a confidence stay. */
  minimumConfidence: z.int().min(0).max(100).default(0),
  refreshEvery: refreshEvery.optional(),
  timeToLive: timeToLive.optional(),
  credential: Credential.optional(),
  /** Plain http, and private, loopback and link-local targets. */
  allowPrivate: z.boolean().default(false),
  maxBytes: z
    .int()
    .min(1000)
    .max(4 * 1024 ** 3)
    .default(1024 ** 3),
  licence: z.string().max(500).optional(),
  attribution: z.string().max(500).optional(),
  terms: z.url().optional(),
});

const FeedConfiguration = z
  .strictObject({
    $schema: z.string().optional(),
    version: z.literal(1),
    refreshEvery: refreshEvery.default(60 * MINUTE),
    timeToLive: timeToLive.default(14 * DAY),
    timeToLiveByKind: z.partialRecord(z.enum(FEED_KINDS), timeToLive).default({}),
    feeds: z.array(Feed).max(500),
  })
  .superRefine(({ feeds }, issues) => {
    const seen = new Set<string>();
    for (const [i, { name, address, allowPrivate }] of feeds.entries()) {
      const path = ['feeds', i];
      const folded = name.toLowerCase();
      if (seen.has(folded)) {
        const message = `a second feed is called ${name}`;
        issues.addIssue({ code: 'custom', path: [...path, 'name'], message });
      }
      seen.add(folded);
      const url = URL.parse(address);
      if (url?.protocol === 'http:' && !allowPrivate) {
        const message = 'plain http is refused unless "allowPrivate" is true';
        issues.addIssue({ code: 'custom', path: [...path, 'address'], message });
      }
      if (url !== null && (url.username !== '' || url.password !== '')) {
        const message = 'no user or password in an address: use "credential"';
        issues.addIssue({ code: 'custom', path: [...path, 'address'], message });
      }
    }
  });

export type FeedCredential = z.infer<typeof Credential>;
export type FeedConfiguration = z.infer<typeof FeedConfiguration>;
export type ConfiguredFeed = FeedConfiguration['feeds'][number];

export const NO_FEEDS: FeedConfiguration = parseFeedConfiguration({ version: 1, feeds: [] });

/** Durations become milliseconds, defaults are filled in. Throws a `ConfigurationError` with every problem. */
export function parseFeedConfiguration(value: unknown): FeedConfiguration {
  const parsed = FeedConfiguration.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    parsed.error.issues.map(({ path, message }) => `${pathText(path)}: ${message}`),
  );
}

/** The configuration as its file has it now; without a file there are no feeds. */
export async function readFeedConfiguration(files: Configuration): Promise<FeedConfiguration> {
  const stored = await files.read(FEEDS_FILE);
  return stored === null ? NO_FEEDS : parseFeedConfiguration(stored.value);
}

/** The JSON schema of the file as people write it, for editors. */
export function feedConfigurationSchema(): unknown {
  return z.toJSONSchema(FeedConfiguration, { io: 'input', unrepresentable: 'any' });
}

export function refreshEveryOf(configuration: FeedConfiguration, feed: ConfiguredFeed): number {
  return feed.refreshEvery ?? configuration.refreshEvery;
}

/** How long the last good state is used after the source last confirmed it: of the feed, else of its kind, else of all. */
export function timeToLiveOf(
  configuration: FeedConfiguration,
  feed: ConfiguredFeed,
  kind: FeedKind,
): number {
  return feed.timeToLive ?? configuration.timeToLiveByKind[kind] ?? configuration.timeToLive;
}

/** What a feed lists: as configured, else by its format. */
export function kindOf(feed: ConfiguredFeed, format: string): FeedKind {
  return feed.kind ?? (format === 'warninglist' ? 'warningList' : 'threat');
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the file';
  return path
    .map((part, i) =>
      typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`,
    )
    .join('');
}
