import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { etagOf } from '../../shared/format/http-precondition.ts';
import { answering } from '../../shared/format/http-problem.ts';
import { GROUPS_ROUTE, groupRequest } from '../../shared/format/security-group/arm-request.ts';
import { groupResource } from '../../shared/format/security-group/group-resource.ts';
import { services } from '../../shared/wiring.ts';

/** `GET …/deviceSecurityGroups`: all groups, in one page, in order of name. */
export async function listSecurityGroups(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { scope } = groupRequest(request);
    const { groups } = await services();
    const value = (await groups.list()).map(({ group, version }) =>
      groupResource(group, scope, etagOf(version)),
    );
    return { jsonBody: { value } };
  });
}

app.http('listSecurityGroups', {
  methods: ['GET'],
  route: GROUPS_ROUTE,
  authLevel: 'function',
  handler: listSecurityGroups,
});
