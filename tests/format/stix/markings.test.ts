import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMarkingDefinition, tlpOfMarking } from '../../../shared/format/stix/markings.ts';

const EXTENSION = 'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d';

describe('the fixed markings', () => {
  for (const [id, tlp] of [
    ['613f2e26-407d-48c7-9eca-b8e91df99dc9', 'clear'],
    ['34098fce-860f-48ae-8e50-ebd3cc5e41da', 'green'],
    ['f88d31f6-486f-44da-b317-01333bde0b82', 'amber'],
    ['5e57c739-391a-4eb3-b6be-7d15ca92d5ed', 'red'],
    ['94868c89-83c2-464b-929b-a1a8aa3c8487', 'clear'],
    ['bab4a63c-aed9-4cf5-a766-dfca5abac2bb', 'green'],
    ['55d920b0-5e8b-4f79-9ee9-91f868d9b421', 'amber'],
    ['939a9414-2ddd-4d32-a0cd-375ea402b003', 'amber+strict'],
    ['e828b379-4e03-4974-9ac4-e53a884c97c1', 'red'],
  ] as const) {
    it(`are ${tlp}: ${id}`, () => {
      assert.equal(tlpOfMarking(`marking-definition--${id}`), tlp);
      assert.equal(tlpOfMarking(id), null);
    });
  }

  it('are no others', () => {
    assert.equal(tlpOfMarking('marking-definition--00000000-407d-48c7-9eca-b8e91df99dc9'), null);
    assert.equal(tlpOfMarking('marking-definition--constructor'), null);
  });
});

describe('a marking that a feed defines', () => {
  const marking = (fields: object) => ({ type: 'marking-definition', id: 'm--1', ...fields });

  for (const [what, object, tlp] of [
    [
      'by its definition',
      marking({ definition_type: 'tlp', definition: { tlp: 'amber' } }),
      'amber',
    ],
    [
      'by its extension',
      marking({ extensions: { [EXTENSION]: { tlp_2_0: 'amber+strict' } } }),
      'amber+strict',
    ],
    ['by its name', marking({ name: 'TLP:RED' }), 'red'],
    [
      'by its definition first',
      marking({ name: 'TLP:RED', definition: { tlp: 'white' } }),
      'clear',
    ],
    ['not by another name', marking({ name: 'red' }), null],
    ['not by a statement', marking({ definition: { statement: 'TLP:RED' } }), null],
    ['not by another extension', marking({ extensions: { x: { tlp_2_0: 'red' } } }), null],
    ['not by an unknown colour', marking({ definition: { tlp: 'purple' } }), null],
    ['not by fields of other types', marking({ definition: 'red', extensions: [], name: 5 }), null],
    ['not without an id', { type: 'marking-definition', name: 'TLP:RED' }, null],
    ['not of another type', { type: 'identity', id: 'm--1', name: 'TLP:RED' }, null],
    ['not of null', null, null],
  ] as const) {
    it(`has a TLP ${what}`, () => {
      const expected = tlp === null ? null : { id: 'm--1', tlp };
      assert.deepEqual(readMarkingDefinition(object), expected);
    });
  }
});
