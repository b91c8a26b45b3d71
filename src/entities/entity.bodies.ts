import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsBoolean, IsInt, IsObject, IsOptional, IsString, Length, Matches, Min } from 'class-validator';
import type { JsonValue } from '../platform/json-value.js';

const HASH = { message: 'hash is what the plan answered with: sha256: and 64 hexadecimal digits' };

class Allowance {
  @ApiPropertyOptional({
    type: [String],
    example: ['destructive'],
    description: '`destructive`, `blocking`, or the `answer` of a question of the plan, such as `drop:title`.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(500)
  @IsString({ each: true })
  allow?: string[];
}

export class ApplyBody extends Allowance {
  @ApiProperty({ type: Object, description: 'The document that was planned.' })
  @IsObject()
  document!: JsonValue;

  @ApiProperty({ description: 'Of the plan: nothing but that plan is applied.' })
  @Matches(/^sha256:[0-9a-f]{64}$/, HASH)
  hash!: string;
}

export class RollbackBody extends Allowance {
  @ApiProperty({ example: 3, description: 'The version whose document is to be in force again.' })
  @IsInt()
  @Min(1)
  version!: number;

  @ApiPropertyOptional({ description: 'Of the plan. Without it, whatever is needed is applied if nothing stands in the way.' })
  @IsOptional()
  @Matches(/^sha256:[0-9a-f]{64}$/, HASH)
  hash?: string;

  @ApiPropertyOptional({ description: 'Answer with the plan and change nothing.' })
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;
}

export class RestoreBody extends Allowance {
  @ApiPropertyOptional({ description: 'The dropped property to bring back. Without it, the dropped entity itself comes back.' })
  @IsOptional()
  @IsString()
  @Length(1, 128)
  property?: string;

  @ApiPropertyOptional({ description: 'Answer with the plan and change nothing.' })
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;
}
