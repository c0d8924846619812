import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SEVERITIES, gravest, isGraver } from '../../../shared/domain/alert/severity.ts';

describe('severities', () => {
  it('are stored by these numbers and ordered by them', () => {
    assert.deepEqual(SEVERITIES, ['informational', 'low', 'medium', 'high']);
    for (const [i, a] of SEVERITIES.entries()) {
      for (const [j, b] of SEVERITIES.entries()) {
        assert.equal(isGraver(a, b), i > j);
        assert.equal(gravest(a, b), SEVERITIES[Math.max(i, j)]);
      }
    }
  });
});
