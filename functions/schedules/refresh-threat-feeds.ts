import { type InvocationContext, type Timer, app } from '@azure/functions';
import { services } from '../../shared/wiring.ts';

export async function refreshThreatFeeds(_timer: Timer, context: InvocationContext): Promise<void> {
  // Loaded on use: readers of feeds are nothing that a cold start of ingest should wait for.
  const { refreshFeeds } = await import('../../shared/pipeline/feeds/refresh/refresh-feeds.ts');
  const { feeds } = await services();
  context.log('threat feeds refreshed', await refreshFeeds(await feeds()));
}

app.timer('refreshThreatFeeds', {
  schedule: '%FeedRefreshSchedule%',
  handler: refreshThreatFeeds,
});
