import { NodeWeb } from '../../../../shared/adapters/web/node-web.ts';
import { formatPrefix } from '../../../../shared/domain/address/prefix.ts';
import { type FetchMemory, NO_MEMORY } from '../../../../shared/domain/indicator/feed.ts';
import type { Standing } from '../../../../shared/domain/indicator/validity.ts';
import { parseFeedConfiguration } from '../../../../shared/pipeline/feeds/configuration/feed-configuration.ts';
import type { Pieces } from '../../../../shared/pipeline/feeds/fetch/pieces.ts';
import type { SourceContext } from '../../../../shared/pipeline/feeds/fetch/source.ts';

export const NOW = Date.parse('2026-11-25T12:00:00Z');
export const DAY = 24 * 60 * 60_000;

export interface ContextOptions extends Partial<Omit<SourceContext, 'feed' | 'memory'>> {
  readonly maxBytes?: number;
  readonly memory?: Partial<FetchMemory>;
}

/** What reads a feed from a server on loopback, with limits that no honest answer of a test reaches. */
export function contextOf(address: string, options: ContextOptions = {}): SourceContext {
  const { maxBytes = 1_000_000, memory = {}, ...rest } = options;
  const feeds = [{ name: 'a-feed', address, allowPrivate: true, maxBytes }];
  return {
    web: new NodeWeb(),
    feed: parseFeedConfiguration({ version: 1, feeds }).feeds[0]!,
    secretHeaders: {},
    limits: {
      totalMs: 30_000,
      idleMs: 10_000,
      maxWireBytes: 100_000_000,
      maxBodyBytes: 100_000_000,
      maxRedirects: 3,
    },
    memory: { ...NO_MEMORY, ...memory },
    now: NOW,
    ...rest,
  };
}

/** The networks of a standing, sorted. */
export function networks(
  pieces: Pieces | undefined,
  standing: Standing = 'listed',
): readonly string[] {
  return [...(pieces?.entries() ?? [])]
    .flatMap((entry) =>
      entry.kind === 'indicator' && entry.standing === standing ? entry.nets : [],
    )
    .map(formatPrefix)
    .sort();
}
