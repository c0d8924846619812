import { parseTlp, strictest, type Tlp } from '../../domain/indicator/tlp.ts';
import { field, type Fields, fieldsOf, textField } from './fields.ts';

const PREFIX = 'marking-definition--';

/** Both generations of TLP markings have fixed ids, so that nobody has to send the objects. */
const FIXED: ReadonlyMap<string, Tlp> = new Map([
  ['613f2e26-407d-48c7-9eca-b8e91df99dc9', 'clear'], // TLP 1 WHITE
  ['34098fce-860f-48ae-8e50-ebd3cc5e41da', 'green'],
  ['f88d31f6-486f-44da-b317-01333bde0b82', 'amber'],
  ['5e57c739-391a-4eb3-b6be-7d15ca92d5ed', 'red'],
  ['94868c89-83c2-464b-929b-a1a8aa3c8487', 'clear'], // TLP 2
  ['bab4a63c-aed9-4cf5-a766-dfca5abac2bb', 'green'],
  ['55d920b0-5e8b-4f79-9ee9-91f868d9b421', 'amber'],
  ['939a9414-2ddd-4d32-a0cd-375ea402b003', 'amber+strict'],
  ['e828b379-4e03-4974-9ac4-e53a884c97c1', 'red'],
]);
const TLP_2_EXTENSION = 'extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d';

/** The TLP that a reference to a marking means by its id alone; null if the id is none of the fixed ones. */
export function tlpOfMarking(id: string): Tlp | null {
  return id.startsWith(PREFIX) ? (FIXED.get(id.slice(PREFIX.length)) ?? null) : null;
}

/** The strictest TLP of the references. `known` are markings that the feed itself defines. */
export function tlpOfMarkings(
  ids: readonly string[],
  known?: ReadonlyMap<string, Tlp>,
): Tlp | null {
  let tlp: Tlp | null = null;
  for (const id of ids) tlp = strictest(tlp, tlpOfMarking(id) ?? known?.get(id) ?? null);
  return tlp;
}

/** A marking that a feed defines under an id of its own; null for other objects and for markings without a TLP. */
export function readMarkingDefinition(
  object: unknown,
): { readonly id: string; readonly tlp: Tlp } | null {
  const fields = fieldsOf(object);
  if (fields === null || textField(fields, 'type') !== 'marking-definition') return null;
  const id = textField(fields, 'id');
  const text = definedTlp(fields);
  const tlp = text === null ? null : parseTlp(text);
  return id === null || tlp === null ? null : { id, tlp };
}

function definedTlp(marking: Fields): string | null {
  const definition = fieldsOf(field(marking, 'definition'));
  const extensions = fieldsOf(field(marking, 'extensions'));
  const extension = extensions && fieldsOf(field(extensions, TLP_2_EXTENSION));
  const name = textField(marking, 'name');
  return (
    (definition && textField(definition, 'tlp')) ??
    (extension && textField(extension, 'tlp_2_0')) ??
    (name !== null && /^tlp:/i.test(name) ? name : null)
  );
}
