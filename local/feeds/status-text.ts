// The state of feeds for people.
import type { FeedStatus } from '../../shared/pipeline/feeds/operate/feed-status.ts';
import type { FeedStatusWithHistory } from '../../shared/pipeline/feeds/operate/manage-feeds.ts';
import { table } from '../console/table.ts';
import { timeText } from '../console/time-text.ts';

const COLUMNS = ['NAME', 'STATE', 'INDICATORS', 'LAST SUCCESS', 'NEXT', 'PROBLEM'];

export function statusTable(feeds: readonly FeedStatus[], now: number): string {
  if (feeds.length === 0) return 'no feed is configured; "feeds add --starter all" adds some\n';
  return table([COLUMNS, ...feeds.map((feed) => statusRow(feed, now))]);
}

export function statusJson(feed: FeedStatus): string {
  return `${JSON.stringify({ record: 'feed', ...feed })}\n`;
}

/** One feed with what its content was refused for, and what can be gone back to. */
export function statusDetail(feed: FeedStatusWithHistory, now: number): string {
  const known: Readonly<Record<string, string | null>> = {
    state: feed.state,
    address: feed.address,
    format: formatText(feed),
    kind: feed.kind,
    'in use': inUseText(feed, now),
    indicators: countsText(feed.counts),
    refused: refusedText(feed.counts),
    held: feed.held === null ? null : heldText(feed.held, now),
    failure: feed.failure === null ? null : failureText(feed.failure, now),
    'last attempt': timeText(feed.lastAttempt, now),
    'last success': timeText(feed.lastSuccess, now),
    next: timeText(feed.nextAttempt, now),
    credential: feed.credential,
    licence: feed.licence,
    attribution: feed.attribution,
    terms: feed.terms,
  };
  const rows = Object.entries(known).flatMap(([name, text]) =>
    text === null || text === '' ? [] : [[`  ${name}`, text]],
  );
  const history = feed.history.map(({ state, fetchedAt, counts }) => [
    '  earlier',
    `${state}  ${fetchedAt}  ${counts.indicators} indicators`,
  ]);
  return table([[feed.name], ...rows, ...history]);
}

function statusRow(feed: FeedStatus, now: number): readonly string[] {
  const { name, state, counts, lastSuccess, nextAttempt } = feed;
  const indicators = counts === null ? '-' : counts.indicators.toLocaleString('en');
  return [
    name,
    state,
    indicators.padStart('INDICATORS'.length),
    timeText(lastSuccess, now),
    timeText(nextAttempt, now),
    problemText(feed, now),
  ];
}

function problemText({ held, failure, state, inUse }: FeedStatus, now: number): string {
  if (held !== null) return heldText(held, now);
  if (failure !== null) return failureText(failure, now);
  return state === 'expired' && inUse !== null ? `expired ${timeText(inUse.expiresAt, now)}` : '';
}

function heldText(held: NonNullable<FeedStatus['held']>, now: number): string {
  return `${held.reason}: ${held.explanation} (state ${held.state}, ${timeText(held.since, now)})`;
}

function failureText(failure: NonNullable<FeedStatus['failure']>, now: number): string {
  const times = failure.times === 1 ? 'once' : `${failure.times} times`;
  return `${failure.code}: ${failure.message} (${times}, first ${timeText(failure.since, now)})`;
}

function formatText({ format, counts }: FeedStatus): string {
  return counts === null || counts.format === format
    ? format
    : `${format}, read as ${counts.format}`;
}

function inUseText({ inUse }: FeedStatus, now: number): string {
  if (inUse === null) return 'nothing';
  const { state, fetchedAt, confirmedAt, expiresAt } = inUse;
  return `state ${state}, fetched ${timeText(fetchedAt, now)}, confirmed ${timeText(confirmedAt, now)}, expires ${timeText(expiresAt, now)}`;
}

function countsText(counts: FeedStatus['counts']): string | null {
  if (counts === null) return null;
  const { entries, indicators, active, listed, duplicates, promised } = counts;
  const said = promised === null ? '' : `; the feed says ${promised}`;
  return `${indicators} of ${entries} entries, ${active} active, ${duplicates} duplicates, ${listed} addresses and networks${said}`;
}

function refusedText(counts: FeedStatus['counts']): string | null {
  if (counts === null) return null;
  const reasons = Object.entries(counts.refused).filter(([, count]) => count > 0);
  return reasons.map(([reason, count]) => `${reason} ${count}`).join(', ') || 'nothing';
}
