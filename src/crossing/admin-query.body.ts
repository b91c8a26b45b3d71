import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Length,
  Max,
  MaxLength,
  Min,
} from 'class-validator';

const MOST_TENANTS = 1_000;
const MOST_AT_ONCE = 8;
const AT_ONCE = 4;
const LONGEST_QUERY = 8_000;

export class AdminQueryBody {
  @ApiPropertyOptional({ format: 'uuid', description: 'The access grant, when it is not in the header X-Access-Grant.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  grant?: string;

  @ApiPropertyOptional({ type: [String], description: 'Some of the tenants that the grant names. Default: all of them.' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(MOST_TENANTS)
  @ArrayUnique((id: unknown) => String(id).toLowerCase())
  @IsUUID(undefined, { each: true })
  tenants?: string[];

  @ApiProperty({ example: 'Order' })
  @IsString()
  @Length(1, 200)
  entity!: string;

  @ApiPropertyOptional({
    default: '',
    maxLength: LONGEST_QUERY,
    example: 'select=number,total&status=eq.open&order=total.desc',
    description: 'The query string of a list, asked of each tenant.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(LONGEST_QUERY)
  query?: string;

  @ApiPropertyOptional({ minimum: 1, description: 'Most records of one tenant. Default: all that there are.' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  limit?: number;

  @ApiPropertyOptional({ minimum: 1, maximum: MOST_AT_ONCE, default: AT_ONCE, description: 'Tenants that are asked at a time.' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MOST_AT_ONCE)
  concurrency: number = AT_ONCE;
}
