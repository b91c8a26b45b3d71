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
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Matches,
  Max,
  Min,
} from 'class-validator';
import type { GrantedAccess } from '../access/grant.js';

const MOST_TENANTS = 1_000;
const MOST_ENTITIES = 100;
const LONGEST_MINUTES = 240;
const MINUTES = 60;

/** One line, as it stands in trails and lists; no blanks around it. */
const ONE_LINE = /^[^\s\p{Cc}\p{Cs}\p{Zl}\p{Zp}]([^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*[^\s\p{Cc}\p{Cs}\p{Zl}\p{Zp}])?$/u;
const oneLine = (name: string) => ({ message: `${name} takes one line without control characters and without blanks around it` });

const idOf = (value: unknown): string => String(value).toLowerCase();

export class CreateGrantBody {
  @ApiProperty({ type: [String], minItems: 1, maxItems: MOST_TENANTS, description: 'Ids of the tenants that it opens.' })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_TENANTS)
  @ArrayUnique(idOf)
  @IsUUID(undefined, { each: true })
  tenants!: string[];

  @ApiProperty({
    minLength: 10,
    maxLength: 1_000,
    example: 'Customer reports wrong totals since the upgrade',
    description: 'Why. The tenants read it in their trails.',
  })
  @IsString()
  @Length(10, 1_000)
  @Matches(ONE_LINE, oneLine('reason'))
  reason!: string;

  @ApiPropertyOptional({ maxLength: 100, example: 'SUP-4711' })
  @IsOptional()
  @IsString()
  @Length(1, 100)
  @Matches(ONE_LINE, oneLine('ticket'))
  ticket?: string | null;

  @ApiPropertyOptional({ type: [String], example: ['Order'], description: 'Names of the entities that it opens. Default: all.' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_ENTITIES)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 200, { each: true })
  entities?: string[] | null;

  @ApiPropertyOptional({ enum: ['read', 'write'], default: 'read' })
  @IsOptional()
  @IsIn(['read', 'write'])
  access: GrantedAccess = 'read';

  @ApiPropertyOptional({ minimum: 1, maximum: LONGEST_MINUTES, default: MINUTES, description: 'From now on, approved or not.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(LONGEST_MINUTES)
  expiresInMinutes: number = MINUTES;

  @ApiPropertyOptional({
    default: false,
    description:
      'Good for nothing until another system administrator has approved it, also where the service does not ask for that.',
  })
  @IsOptional()
  @IsBoolean()
  approval?: boolean;
}
