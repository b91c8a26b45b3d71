import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsInt,
  IsISO8601,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
} from 'class-validator';
import { IsPlainText } from '../http/plain-text.js';

/** Until there, a key of before still holds: a day, unless told otherwise. */
const OVERLAP_SECONDS = 86_400;
const LONGEST_OVERLAP_SECONDS = 604_800;
const MOST_SCOPES = 200;
const MOST_ROLES = 32;

export class CreateApiKeyBody {
  @ApiProperty({ example: 'order import', description: 'What the key is for, as people read it.' })
  @IsString()
  @Length(1, 200)
  @IsPlainText()
  name!: string;

  @ApiProperty({ type: [String], example: ['service'], description: 'Built-in roles, or such as the tenant has made.' })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_ROLES)
  @ArrayUnique()
  @IsString({ each: true })
  roles!: string[];

  @ApiPropertyOptional({
    type: [String],
    example: ['records.read', 'records.create:Order'],
    description:
      'What of it the key may do: names of operations, after a colon the entity if one alone is meant. Without, all that the roles may.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_SCOPES)
  @ArrayUnique()
  @IsString({ each: true })
  scopes?: string[] | null;

  @ApiPropertyOptional({
    format: 'date-time',
    description: 'When the key ends by itself. Without, it holds until it is revoked.',
  })
  @IsOptional()
  @IsISO8601({ strict: true })
  @Matches(/T.*(Z|[+-]\d\d:\d\d)$/, { message: 'expiresAt takes an instant with its offset, such as 2027-01-31T00:00:00Z' })
  expiresAt?: string | null;
}

export class RotateApiKeyBody {
  @ApiPropertyOptional({
    minimum: 0,
    maximum: LONGEST_OVERLAP_SECONDS,
    default: OVERLAP_SECONDS,
    description: 'How long the key of before still holds.',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(LONGEST_OVERLAP_SECONDS)
  overlapSeconds: number = OVERLAP_SECONDS;
}
