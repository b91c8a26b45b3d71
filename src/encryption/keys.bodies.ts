import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsIn, IsOptional, IsString, Length } from 'class-validator';
import { IsPlainText } from '../http/plain-text.js';
import { KEY_PROVIDERS, type KeyProviderName } from '../keys/key-provider.js';

export const ROTATIONS = ['encrypt', 'index', 'provider'] as const;

export class RotateKeysBody {
  @ApiProperty({
    enum: ROTATIONS,
    description:
      'encrypt: a new data key, under which every value is encrypted again; index: a new key of the search tags; provider: a new ' +
      "version of the provider's key, which wraps the data keys again.",
  })
  @IsIn(ROTATIONS)
  purpose!: (typeof ROTATIONS)[number];
}

export class MoveKeysBody {
  @ApiProperty({ enum: KEY_PROVIDERS, description: 'One that this installation has: GET …/keys lists them.' })
  @IsIn(KEY_PROVIDERS)
  provider!: KeyProviderName;

  @ApiPropertyOptional({
    example: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
    description: "The provider's name for a key of the tenant's own. Without, the provider makes one.",
  })
  @IsOptional()
  @IsString()
  @Length(1, 2048)
  @IsPlainText()
  keyRef?: string;
}

export class ForgetSubjectBody {
  @ApiProperty({
    example: 'p-4711',
    description: 'Whom records are about, as the property says it that `subject` of their entity names.',
  })
  @IsString()
  @Length(1, 1000)
  subject!: string;

  @ApiPropertyOptional({ description: 'The subject once more: this cannot be undone. Not needed with dryRun.' })
  @IsOptional()
  @IsString()
  @Length(1, 1000)
  confirm?: string;

  @ApiPropertyOptional({ description: 'Only says how many values nobody could read any more.' })
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;
}

export class ShredKeysBody {
  @ApiPropertyOptional({ description: "The tenant's slug: this cannot be undone. Not needed with dryRun." })
  @IsOptional()
  @IsString()
  @Length(1, 200)
  confirm?: string;

  @ApiPropertyOptional({ description: 'Only says what nobody could read any more.' })
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;
}
