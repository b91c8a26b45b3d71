import { Problem } from '../platform/problem.js';

/** Why a grant lets nobody in. Of another's grant, and of tenants that one's own does not name, nothing is told. */

const REASONS = {
  unknown: 'You have no access grant of this id for what is asked. GET /api/v1/grants lists the grants.',
  pending: 'The access grant waits for somebody else to approve it.',
  expired: 'The access grant has expired. Ask for another one.',
  revoked: 'The access grant was revoked.',
  ended: 'The access grant is no longer in force.',
} as const;

export function grantRefused(reason: keyof typeof REASONS): Problem {
  return new Problem('auth/grant-refused', REASONS[reason]);
}
