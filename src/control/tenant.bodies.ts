import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsOptional, IsString, Length, Matches, ValidateIf } from 'class-validator';

/** A pack, and after @ the version if it is not to be the newest. */
const PACK_REFERENCE = /^[a-z][a-z0-9-]{0,62}(@\d{1,9}\.\d{1,9}\.\d{1,9})?$/;

export class CreateTenantBody {
  @ApiProperty({ example: 'acme', description: 'Lower-case letters, digits and hyphens, at most 63; unique and unchangeable.' })
  @IsString()
  @Matches(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, { message: 'slug takes 1-63 lower-case letters, digits and inner hyphens' })
  slug!: string;

  @ApiPropertyOptional({ example: 'Acme Ltd', description: 'Shown to people. Default: the slug.' })
  @IsOptional()
  @IsString()
  @Length(1, 200)
  name?: string;

  @ApiPropertyOptional({
    example: ['security', 'commerce@1.0.0'],
    description: 'Packs to install at once, each in its newest version unless one is named. All of their entities exist on 201.',
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(20)
  @ArrayUnique((reference: unknown) => String(reference).split('@')[0], { message: 'packs takes each pack once' })
  @Matches(PACK_REFERENCE, { each: true, message: 'packs takes names such as "security", or "security@1.0.0"' })
  packs?: string[];
}

/** Unlike IsOptional, which lets null through: null is nobody's name. */
const isGiven = (_: unknown, value: unknown): boolean => value !== undefined;

export class UpdateTenantBody {
  @ApiPropertyOptional({ example: 'Acme Limited' })
  @ValidateIf(isGiven)
  @IsString()
  @Length(1, 200)
  name?: string;

  @ApiPropertyOptional({
    enum: ['active', 'suspended'],
    description: '`suspended`: every request of the tenant gets 403 tenant/suspended.',
  })
  @ValidateIf(isGiven)
  @IsIn(['active', 'suspended'])
  status?: 'active' | 'suspended';
}
