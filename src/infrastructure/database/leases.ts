import type { Kysely } from 'kysely';
import type { Lease } from '../../application/backends/lease-repository';
import type { Placeholders } from './prepared-query';
import type { Tables } from './tables';

/** The lease, if it is still held. A process that takes it over waits until this transaction has ended. */
export function heldLease(kysely: Kysely<Tables>, { backend, epoch }: Placeholders<Lease>) {
  return kysely
    .selectFrom('leases')
    .select('epoch')
    .where('backend', '=', backend)
    .where('epoch', '=', epoch)
    .forShare();
}
