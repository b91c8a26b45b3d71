import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateBy,
  ValidateIf,
} from 'class-validator';
import { PageQuery } from '../control/page.query.js';
import { IsPlainText } from '../http/plain-text.js';
import { isEventName } from './event-names.js';
import { INCLUDES, type Include } from './webhook-message.js';

/** Until there, the secret of before signs too: a day, unless told otherwise. */
const OVERLAP_SECONDS = 86_400;
const LONGEST_OVERLAP_SECONDS = 604_800;

/** Unlike IsOptional, which lets null through. */
const isGiven = (_: unknown, value: unknown): boolean => value !== undefined;

const URL = {
  example: 'https://example.com/hooks/store',
  description: 'Where events are posted to: https, on the public internet, ports 80, 443, 8080 and 8443.',
};

class WebhookMembers {
  @ApiPropertyOptional({ example: 'search index', description: 'What it is for, as people read it.' })
  @ValidateIf(isGiven)
  @IsString()
  @MaxLength(500)
  @IsPlainText()
  description?: string;

  @ApiPropertyOptional({
    type: [String],
    default: ['record.*'],
    example: ['record.created', 'record.deleted'],
    description: 'Which events: actions of the audit trail, all of a family as `record.*`, or `*`.',
  })
  @ValidateIf(isGiven)
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(50)
  @ArrayUnique()
  @ValidateBy(
    { name: 'event', validator: { validate: (text) => typeof text === 'string' && isEventName(text) } },
    { each: true, message: 'each event is an action such as record.created, a family such as record.*, or *' },
  )
  events?: string[];

  @ApiPropertyOptional({
    type: [String],
    nullable: true,
    example: ['Order'],
    description: 'Of which entities. Without, of all, and events that are of no entity.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(200)
  @ArrayUnique()
  @IsString({ each: true })
  entities?: string[] | null;

  @ApiPropertyOptional({
    enum: INCLUDES,
    default: 'ids',
    description: '`ids`: which record, whose change, and the names of the members that changed. `full`: their values too.',
  })
  @ValidateIf(isGiven)
  @IsIn(INCLUDES)
  include?: Include;

  @ApiPropertyOptional({ default: true })
  @ValidateIf(isGiven)
  @IsBoolean()
  enabled?: boolean;
}

export class CreateWebhookBody extends WebhookMembers {
  @ApiProperty(URL)
  @IsString()
  @Length(1, 2_048)
  url!: string;
}

/** What is not named stays; `entities: null` means all. */
export class UpdateWebhookBody extends WebhookMembers {
  @ApiPropertyOptional(URL)
  @ValidateIf(isGiven)
  @IsString()
  @Length(1, 2_048)
  url?: string;
}

export class RotateWebhookBody {
  @ApiPropertyOptional({
    minimum: 0,
    maximum: LONGEST_OVERLAP_SECONDS,
    default: OVERLAP_SECONDS,
    description: 'How long requests are signed with the secret of before as well.',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(LONGEST_OVERLAP_SECONDS)
  overlapSeconds: number = OVERLAP_SECONDS;
}

export class ReplayBody {
  @ApiPropertyOptional({ minimum: 1, description: 'Number of the first event, as `sequence` tells it.' })
  @ValidateIf(({ from }: ReplayBody) => from === undefined)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  fromSeq?: number;

  @ApiPropertyOptional({ format: 'date-time', description: 'Instead of `fromSeq`: what was recorded in the trail from then on.' })
  @IsOptional()
  @IsISO8601({ strict: true })
  @Matches(/T.*(Z|[+-]\d\d:\d\d)$/, { message: 'from takes an instant with its offset, such as 2027-01-31T00:00:00Z' })
  from?: string;

  @ApiPropertyOptional({
    minimum: 1,
    description: 'Number of the last event. Default: the latest there is, or the hundred-thousandth of them.',
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  toSeq?: number;
}

export const DELIVERY_STATUSES = ['waiting', 'delivered', 'dead'] as const;

export class DeliveriesQuery extends PageQuery {
  @ApiPropertyOptional({
    enum: DELIVERY_STATUSES,
    description: '`waiting`: it failed and is tried again. `dead`: it was given up.',
  })
  @IsOptional()
  @IsIn(DELIVERY_STATUSES)
  status?: (typeof DELIVERY_STATUSES)[number];
}
