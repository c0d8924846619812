import { formatPrefix } from '../../shared/domain/address/prefix.ts';
import { newReport, readFeed } from '../../shared/pipeline/feeds/read/read-feed.ts';
import { unpack } from '../../shared/pipeline/feeds/read/unpack.ts';

/**
 * Every network that a feed document of any format names, in force or not: a hunt looks into the past. What was revoked or is
 * only context is left out. Throws a `FeedFormatError` where nothing reads it.
 */
export async function networksOfFile(source: AsyncIterable<Uint8Array>): Promise<string[]> {
  const networks = new Set<string>();
  for await (const entries of readFeed(unpack(source), null, newReport())) {
    for (const entry of entries) {
      if (entry.kind !== 'indicator' || entry.standing !== 'listed') continue;
      for (const net of entry.nets) networks.add(formatPrefix(net));
    }
  }
  return [...networks];
}
