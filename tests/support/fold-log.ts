import { type FoldServices, type FoldSummary, foldPartition } from '../../shared/pipeline/fold.ts';

/** Every partition, as the orchestration folds them. */
export async function foldActivityLog(services: FoldServices): Promise<FoldSummary> {
  const summary: FoldSummary = { blocks: 0, sightings: 0, alerts: 0 };
  const partitions = await services.log.partitions();
  const folding = partitions.map((partition) => foldPartition(services, partition, summary));
  for (const result of await Promise.allSettled(folding)) {
    if (result.status === 'rejected') throw result.reason;
  }
  return summary;
}
