import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsOptional, IsString, IsUUID, Length } from 'class-validator';
import { IsPlainText } from '../http/plain-text.js';

export class ErasureBody {
  @ApiProperty({ example: 'Customer' })
  @IsString()
  @Length(1, 200)
  entity!: string;

  @ApiProperty({ format: 'uuid', description: 'The record, whether it lives or not.' })
  @IsUUID()
  recordId!: string;

  @ApiProperty({ example: 'Request of the person, 2026-11-03', description: 'Why; it stays in the trail.' })
  @IsString()
  @Length(10, 1000)
  @IsPlainText()
  reason!: string;

  @ApiPropertyOptional({ description: 'Only says how many events there are to erase something of.' })
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;
}
