import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, IsString, Length, Matches } from 'class-validator';

export const VERSION = /^\d{1,9}\.\d{1,9}\.\d{1,9}$/;
export const VERSION_MESSAGE = 'version takes a version such as "1.0.0"';

export class InstallPackBody {
  @ApiProperty({ example: 'security' })
  @IsString()
  @Length(1, 63)
  pack!: string;

  @ApiPropertyOptional({ example: '1.0.0', description: 'Default: the newest.' })
  @IsOptional()
  @IsString()
  @Matches(VERSION, { message: VERSION_MESSAGE })
  version?: string;
}
