import { ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { type Role, TENANT_ROLES } from '../access/principal.js';
import { IsPlainText } from '../http/plain-text.js';

const MOST_PERMISSIONS = 500;

/** A role as it is to be: what is left out, it does not have. */
export class PutRoleBody {
  @ApiPropertyOptional({ example: 'Counts the stock of one shop', description: 'Shown to people.' })
  @IsOptional()
  @IsString()
  @MaxLength(500)
  @IsPlainText()
  description?: string | null;

  @ApiPropertyOptional({
    enum: TENANT_ROLES,
    isArray: true,
    example: ['viewer'],
    description: 'Built-in roles whose permissions it has, all of them.',
  })
  @IsOptional()
  @IsArray()
  @ArrayUnique()
  @IsIn(TENANT_ROLES, { each: true })
  inherits?: Role[] | null;

  @ApiPropertyOptional({
    type: [String],
    example: ['records.update:Stock'],
    description: 'What it may do beside: names of operations, after a colon the entity if one alone is meant.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(MOST_PERMISSIONS)
  @ArrayUnique()
  @IsString({ each: true })
  permissions?: string[] | null;
}
