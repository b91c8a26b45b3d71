/**
 * What a good engineer writes in a day: Fastify and pg, one role, RLS on a setting, begin / set_config / query / commit.
 * No authentication, no validation, no audit. Prints `PORT n` when it listens.
 */
import { randomUUID } from 'node:crypto';
import Fastify from 'fastify';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env.BASELINE_URL, max: Number(process.env.POOL_SIZE) });
const tenant = process.env.TENANT_ID;
const columns = 'id, sku, name, price, quantity, active, released, created_at, updated_at';
const app = Fastify({ bodyLimit: 16 * 1024 * 1024 });

async function inTenant(work) {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query("select set_config('app.current_tenant', $1, true)", [tenant]);
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

const values = (body) => [body.sku, body.name, body.price, body.quantity, body.active, body.released];

app.get('/products/:id', async (request, reply) => {
  const { rows } = await inTenant((client) => client.query(`select ${columns} from product where id = $1`, [request.params.id]));
  if (rows.length === 0) return reply.code(404).send({ message: 'not found' });
  return rows[0];
});

app.get('/products', async (request) => {
  const { rows } = await inTenant((client) =>
    client.query(`select ${columns} from product order by id limit $1 offset $2`, [
      request.query.limit ?? 20,
      request.query.offset ?? 0,
    ]),
  );
  return rows;
});

app.post('/products', async (request, reply) => {
  const bodies = Array.isArray(request.body) ? request.body : [request.body];
  const { rows } = await inTenant((client) =>
    client.query(
      `insert into product (tenant_id, id, sku, name, price, quantity, active, released)
       select $1, * from unnest($2::uuid[], $3::text[], $4::text[], $5::float8[], $6::bigint[], $7::boolean[], $8::date[])
       returning ${columns}`,
      [tenant, bodies.map(() => randomUUID()), ...[0, 1, 2, 3, 4, 5].map((i) => bodies.map((body) => values(body)[i]))],
    ),
  );
  reply.code(201);
  return Array.isArray(request.body) ? rows : rows[0];
});

app.patch('/products/:id', async (request, reply) => {
  const { rows } = await inTenant((client) =>
    client.query(`update product set quantity = $2, updated_at = now() where id = $1 returning ${columns}`, [
      request.params.id,
      request.body.quantity,
    ]),
  );
  if (rows.length === 0) return reply.code(404).send({ message: 'not found' });
  return rows[0];
});

app.get('/makers', async (request) => {
  const { rows } = await inTenant((client) =>
    client.query(
      `select name, (
         select coalesce(json_agg(json_build_object('number', number, 'weight', weight)), '[]')
         from (select number, weight from part where maker = maker.number order by part.id limit 5) as part
       ) as part
       from maker order by id limit $1`,
      [request.query.limit],
    ),
  );
  return rows;
});

app.get('/parts', async (request) => {
  const { rows } = await inTenant((client) =>
    client.query('select * from part where (weight, id) > ($1, $2) order by weight, id limit 20', [
      request.query.weight,
      request.query.id,
    ]),
  );
  return rows;
});

app.get('/totals', async () => {
  const { rows } = await inTenant((client) =>
    client.query('select maker, count(*)::int as count, sum(weight) as sum from part group by maker order by maker'),
  );
  return rows;
});

app.post('/parts', async (request) => {
  const { number, weight, maker } = request.body;
  const { rows } = await inTenant((client) =>
    client.query(
      `insert into part (tenant_id, id, number, weight, maker) values ($1, $2, $3, $4, $5)
       on conflict (tenant_id, number) do update set weight = excluded.weight, maker = excluded.maker, updated_at = now()
       returning *`,
      [tenant, randomUUID(), number, weight, maker],
    ),
  );
  return rows[0];
});

await app.listen({ port: 0, host: '127.0.0.1' });
console.log(`PORT ${app.server.address().port}`);
