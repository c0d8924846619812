// Entries as readers make them.
import { parsePrefix } from '../../../shared/domain/address/prefix.ts';
import type {
  AcceptedEntry,
  RefusalReason,
  RefusedEntry,
} from '../../../shared/domain/indicator/feed-entry.ts';
import { type IndicatorDetail, NO_DETAIL } from '../../../shared/domain/indicator/indicator.ts';

export function accepted(
  texts: string | readonly string[],
  detail: Partial<IndicatorDetail> | null = null,
  changed: Partial<AcceptedEntry> = {},
): AcceptedEntry {
  return {
    kind: 'indicator',
    standing: 'listed',
    line: null,
    nets: [texts].flat().map((text) => parsePrefix(text)!),
    detail: detail === null ? null : { ...NO_DETAIL, ...detail },
    ...changed,
  };
}

export function refused(reason: RefusalReason, changed: Partial<RefusedEntry> = {}): RefusedEntry {
  return { kind: 'refused', line: null, id: null, reason, text: 'x', ...changed };
}
