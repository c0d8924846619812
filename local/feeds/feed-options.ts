import {
  ConfigurationError,
  parseFeedConfiguration,
} from '../../shared/pipeline/feeds/configuration/feed-configuration.ts';
import { UsageError } from '../commands/command.ts';
import type { WrittenFeed } from './configuration-target.ts';

/** The options of `feeds add` that describe one feed, for `parseArgs`. */
export const FEED_OPTIONS = {
  format: { type: 'string' },
  kind: { type: 'string' },
  confidence: { type: 'string' },
  'minimum-confidence': { type: 'string' },
  'refresh-every': { type: 'string' },
  'time-to-live': { type: 'string' },
  direction: { type: 'string' },
  tlp: { type: 'string' },
  licence: { type: 'string' },
  terms: { type: 'string' },
  attribution: { type: 'string' },
  'credential-setting': { type: 'string' },
  'credential-type': { type: 'string' },
  user: { type: 'string' },
  header: { type: 'string' },
  'allow-private': { type: 'boolean' },
  disabled: { type: 'boolean' },
} as const;

export type FeedValues = {
  readonly [Name in keyof typeof FEED_OPTIONS]?:
    | ((typeof FEED_OPTIONS)[Name]['type'] extends 'boolean' ? boolean : string)
    | undefined;
};

/** The feed as the configuration has it: what was not said is absent. Throws a `UsageError` with every problem. */
export function feedOfOptions(name: string, address: string, values: FeedValues): WrittenFeed {
  const written = {
    name,
    address,
    enabled: values.disabled === true ? false : undefined,
    format: values.format,
    kind: values.kind,
    confidence: numberOf(values.confidence),
    minimumConfidence: numberOf(values['minimum-confidence']),
    refreshEvery: values['refresh-every'],
    timeToLive: values['time-to-live'],
    direction: values.direction,
    tlp: values.tlp,
    licence: values.licence,
    terms: values.terms,
    attribution: values.attribution,
    credential: credentialOf(values),
    allowPrivate: values['allow-private'],
  };
  // As JSON has it: without what is undefined.
  const feed = JSON.parse(JSON.stringify(written)) as WrittenFeed;
  try {
    parseFeedConfiguration({ version: 1, feeds: [feed] });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const problems = error.problems.map((problem) => problem.replace(/^feeds\[0\]\.?/, ''));
    throw new UsageError(problems.join('; '));
  }
  return feed;
}

/** Any other text stays, to be refused with the field's name. */
function numberOf(text: string | undefined): number | string | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : text;
}

function credentialOf(values: FeedValues): Readonly<Record<string, unknown>> | undefined {
  const { 'credential-setting': setting, 'credential-type': given, user, header } = values;
  if (setting === undefined) {
    if (given === undefined && user === undefined && header === undefined) return undefined;
    throw new UsageError('a credential needs --credential-setting, the name of an app setting');
  }
  const type = given ?? (user !== undefined ? 'basic' : header !== undefined ? 'header' : 'bearer');
  return { type, user, header, setting };
}
