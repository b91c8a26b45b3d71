import type { JsonObject } from '../../platform/json-value.js';

const MOMENT = '2026-03-01T09:30:00Z';

/** A record that each entity accepts, in every version of its pack, and what makes it refuse. */
export const SAMPLES: Readonly<Record<string, { valid: JsonObject; refused: readonly JsonObject[] }>> = {
  Integration: {
    valid: {
      integrationKey: 'okta-eu',
      name: 'Okta',
      provider: 'Okta',
      category: 'identity',
      status: 'connected',
      scopes: ['users.read'],
    },
    refused: [{ integrationKey: 'Okta EU' }, { status: 'odd' }, { scopes: ['a', 'a'] }, { token: 'x' }],
  },
  Control: {
    valid: {
      ...{
        controlCode: 'ISO27001:2022/A.8.13',
        framework: 'ISO/IEC 27001:2022',
        reference: 'A.8.13',
        title: 'Information backup',
      },
      ...{ status: 'implemented', reviewIntervalDays: 365, nextReviewOn: '2027-01-31' },
      relatedReferences: [{ framework: 'SOC 2', reference: 'A1.2' }],
    },
    refused: [
      { controlCode: '' },
      { reviewIntervalDays: 0 },
      { nextReviewOn: '2027-02-30' },
      { relatedReferences: [{ reference: 'A1.2' }] },
    ],
  },
  Asset: {
    valid: {
      ...{ assetTag: 'SRV-1', name: 'db1', kind: 'server', status: 'active', criticality: 'high', labels: { team: 'data' } },
      ...{ ipAddresses: ['192.0.2.1', '2001:db8::1'], integrationKey: 'okta-eu', lastSeenAt: MOMENT },
    },
    refused: [{ ipAddresses: ['192.0.2.256'] }, { labels: { team: 1 } }, { kind: 'Server' }, { ownerEmail: 'nobody' }],
  },
  Alert: {
    valid: {
      ...{
        alertKey: 'siem/1',
        title: 'Login from nowhere',
        severity: 'high',
        status: 'open',
        raisedAt: MOMENT,
        assetTag: 'SRV-1',
      },
      ...{ sourceUrl: 'https://siem.example/1', indicators: [{ kind: 'ip-address', value: '192.0.2.7' }] },
    },
    refused: [
      { severity: 'urgent' },
      { raisedAt: '2026-03-01' },
      { sourceUrl: 'siem' },
      { indicators: [{ kind: 'ip-address' }] },
    ],
  },
  Evidence: {
    valid: {
      ...{ evidenceKey: 'EV-1', controlCode: 'ISO27001:2022/A.8.13', title: 'Restore test', kind: 'report', status: 'collected' },
      ...{ collectedAt: MOMENT, sha256: 'a'.repeat(64), byteSize: 0, periodFrom: '2026-01-01', periodTo: '2026-03-31' },
    },
    refused: [{ sha256: 'A'.repeat(64) }, { sha256: 'a'.repeat(63) }, { byteSize: -1 }, { kind: 'file' }],
  },
  CatalogItem: {
    valid: {
      ...{ sku: 'TEE-BLK-M', title: 'T-shirt', price: '12.5000', currency: 'EUR', hsCode: '610910', countryOfOrigin: 'PT' },
      ...{ gtin: '4006381333931', minimumOrderQuantity: 10, status: 'active', attributes: { size: 'M' } },
    },
    refused: [
      { price: 12.5 },
      { price: '-1' },
      { price: '0.00001' },
      { currency: 'euro' },
      { hsCode: '6109.10' },
      { sku: ' x' },
      { gtin: '123' },
    ],
  },
  CarrierAgreement: {
    valid: {
      ...{ agreementNumber: 'CA-1', carrier: 'DHL', serviceLevel: 'express', validFrom: '2026-01-01', validUntil: '2026-12-31' },
      ...{ rate: '4.2', rateUnit: 'parcel', currency: 'EUR' },
    },
    refused: [{ validFrom: MOMENT }, { rate: 'free' }, { rateUnit: 'mile' }, { serviceLevel: 'slow' }],
  },
  Order: {
    valid: {
      ...{ orderNumber: 'SO-1', status: 'pending', placedAt: MOMENT, customerName: 'Ada', customerEmail: 'ada@example.org' },
      ...{ currency: 'KWD', total: '1.234', shipTo: { name: 'Ada', street: 'Baker Street 1', city: 'London', country: 'GB' } },
    },
    refused: [{ total: '1.2345' }, { status: 'lost' }, { shipTo: { name: 'Ada' } }, { shipTo: 'London' }, { customerName: '' }],
  },
  OrderLine: {
    valid: { orderNumber: 'SO-1', lineNumber: 1, sku: 'TEE-BLK-M', quantity: 1, unitPrice: '0.0123' },
    refused: [{ quantity: 0 }, { quantity: 1.5 }, { lineNumber: 0 }, { unitPrice: '-1.00' }],
  },
  Shipment: {
    valid: {
      ...{ shipmentNumber: 'SH-1', orderNumber: 'SO-1', carrier: 'DHL', agreementNumber: 'CA-1', trackingNumber: '00340434' },
      ...{ status: 'in-transit', shippedAt: MOMENT, parcels: 2 },
    },
    refused: [{ status: 'lost' }, { parcels: 0 }, { carrier: '' }, { deliveredAt: 'today' }],
  },
  DutyCheck: {
    valid: {
      ...{ checkNumber: 'DC-1', shipmentNumber: 'SH-1', hsCode: '610910', countryOfOrigin: 'PT', destinationCountry: 'CH' },
      ...{ declaredValue: '125.00', currency: 'CHF', result: 'held', checkedAt: MOMENT },
      findings: [{ code: 'MISSING-LICENCE', severity: 'blocking', message: 'No licence was presented.' }],
    },
    refused: [
      { result: 'maybe' },
      { countryOfOrigin: 'Portugal' },
      { findings: [{ code: 'X' }] },
      { hsCode: '61091' },
      { declaredValue: '-5' },
    ],
  },
};
