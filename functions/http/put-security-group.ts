import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { jsonOfBody } from '../../shared/format/http-body.ts';
import { etagOf, preconditionsOf } from '../../shared/format/http-precondition.ts';
import { answering } from '../../shared/format/http-problem.ts';
import { GROUPS_ROUTE, groupRequest } from '../../shared/format/security-group/arm-request.ts';
import { groupResource } from '../../shared/format/security-group/group-resource.ts';
import { services } from '../../shared/wiring.ts';

const MAX_BODY = 2_000_000;

/** `PUT …/deviceSecurityGroups/{name}`: creates the group or replaces its rules. */
export async function putSecurityGroup(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { putGroup } = await import('../../shared/pipeline/groups/manage-groups.ts');
    const { scope, name } = groupRequest(request);
    const body = await jsonOfBody(request, MAX_BODY);
    const { groups } = await services();
    const { group, version, created } = await putGroup(
      groups,
      name,
      body,
      preconditionsOf(request),
    );
    const etag = etagOf(version);
    const jsonBody = groupResource(group, scope, etag);
    return { status: created ? 201 : 200, headers: { etag }, jsonBody };
  });
}

app.http('putSecurityGroup', {
  methods: ['PUT'],
  route: `${GROUPS_ROUTE}/{name}`,
  authLevel: 'function',
  handler: putSecurityGroup,
});
