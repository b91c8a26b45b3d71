import { ApiProperty } from '@nestjs/swagger';
import { IsString, Length, Matches } from 'class-validator';

export class RetryPublishingBody {
  @ApiProperty({
    example: 'The place takes such events since its last release.',
    description: 'Kept in the trail of the tenant.',
  })
  @IsString()
  @Length(1, 1_000)
  reason!: string;
}

export class SkipEventBody extends RetryPublishingBody {
  @ApiProperty({
    example: '42',
    description: 'Which event, by its `sequence`: one that is no longer the next is not skipped, however often it is asked for.',
  })
  @Matches(/^[0-9]{1,19}$/, { message: 'sequence takes the digits of an event’s place in the trail, as text' })
  sequence!: string;
}
