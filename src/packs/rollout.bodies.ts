import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  Equals,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateNested,
} from 'class-validator';
import { VERSION, VERSION_MESSAGE } from './pack.bodies.js';
import { TENANT_STATUSES, type TenantRolloutStatus } from './rollout.js';
import { LARGEST_PAGE } from './rollout-rehearsal.js';

/** What a rollout itself has no use for is not silently left out. */
const OfDryRun = () =>
  ValidateBy({
    name: 'ofDryRun',
    validator: {
      validate: (_, validated) => (validated?.object as CreateRolloutBody | undefined)?.dryRun === true,
      defaultMessage: () => '$property belongs to a dry run: say dryRun, or leave it out',
    },
  });

/** One of: some tenants by name, a share of all, all that are left. */
export class RingBody {
  @ApiPropertyOptional({ type: [String], example: ['acme'], description: 'Ids or slugs.' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(1_000)
  @ArrayUnique()
  @Length(1, 63, { each: true })
  @IsString({ each: true })
  tenants?: string[];

  @ApiPropertyOptional({
    minimum: 1,
    maximum: 100,
    description: 'So many of every hundred tenants, those of the rings before included, in order of creation.',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100)
  percent?: number;

  @ApiPropertyOptional({ enum: [true], description: 'All that are left.' })
  @IsOptional()
  @Equals(true)
  all?: true;
}

export class CreateRolloutBody {
  @ApiProperty({ example: 'security' })
  @IsString()
  @Length(1, 63)
  pack!: string;

  @ApiPropertyOptional({ example: '1.1.0', description: 'Default: the newest.' })
  @IsOptional()
  @IsString()
  @Matches(VERSION, { message: VERSION_MESSAGE })
  version?: string;

  @ApiPropertyOptional({
    type: [RingBody],
    description: 'One after the other; each holds one of tenants, percent and all. Default: 10 percent, then all.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(20)
  @ValidateNested({ each: true })
  @Type(() => RingBody)
  rings?: RingBody[];

  @ApiPropertyOptional({
    minimum: 1,
    maximum: 32,
    default: 4,
    description: 'Tenants at work at the same time, over all instances.',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(32)
  concurrency?: number;

  @ApiPropertyOptional({
    type: [String],
    example: ['destructive'],
    description: 'What the changes of entities may do, as in POST …/entities/{entity}/apply.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(50)
  @Length(1, 200, { each: true })
  @IsString({ each: true })
  allow?: string[];

  @ApiPropertyOptional({ description: 'Plans a page of the tenants and changes nothing: ask until `next` is null.' })
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;

  @ApiPropertyOptional({
    minimum: 1,
    maximum: LARGEST_PAGE,
    default: LARGEST_PAGE,
    description: 'Of a dry run: tenants in one answer.',
  })
  @IsOptional()
  @OfDryRun()
  @IsInt()
  @Min(1)
  @Max(LARGEST_PAGE)
  limit?: number;

  @ApiPropertyOptional({ format: 'uuid', description: 'Of a dry run: the `next` of the previous page.' })
  @IsOptional()
  @OfDryRun()
  @IsUUID()
  after?: string;
}

export class RolloutsQuery {
  @ApiPropertyOptional({ example: 'security' })
  @IsOptional()
  @IsString()
  @Length(1, 63)
  pack?: string;

  @ApiPropertyOptional({ minimum: 1, maximum: 200, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit = 50;

  @ApiPropertyOptional({ format: 'uuid', description: 'The `next` of the previous page.' })
  @IsOptional()
  @IsUUID()
  after?: string;
}

export class RolloutTenantsQuery {
  @ApiPropertyOptional({ enum: TENANT_STATUSES })
  @IsOptional()
  @IsIn(TENANT_STATUSES)
  status?: TenantRolloutStatus;

  @ApiPropertyOptional({ minimum: 1, maximum: 200, default: 50 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit = 50;

  @ApiPropertyOptional({ format: 'uuid', description: 'The `next` of the previous page.' })
  @IsOptional()
  @IsUUID()
  after?: string;

  @ApiPropertyOptional({
    description: 'Compares the catalog of each tenant with its registry: some 5 ms each, for a pack of five entities.',
  })
  @IsOptional()
  @Transform(({ value }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  drift?: boolean;
}
