\set buyer random(1, 100000)
BEGIN;
UPDATE stock SET available=available-1 WHERE sku_id=1 AND available>=1 RETURNING vendor_id AS va, price_minor AS pa \gset
UPDATE stock SET available=available-1 WHERE sku_id=2 AND available>=1 RETURNING vendor_id AS vb, price_minor AS pb \gset
UPDATE stock SET available=available-1 WHERE sku_id=3 AND available>=1 RETURNING vendor_id AS vc, price_minor AS pc \gset
INSERT INTO orders(buyer_id,status,total_minor,currency) VALUES(:buyer,1,:pa::int+:pb::int+:pc::int,'EUR') RETURNING id AS oid \gset
INSERT INTO sub_orders VALUES(:oid,1,:va,1,:pa),(:oid,2,:vb,1,:pb),(:oid,3,:vc,1,:pc);
INSERT INTO lines VALUES(:oid,1,1,1,1,:pa),(:oid,2,1,2,1,:pb),(:oid,3,1,3,1,:pc);
INSERT INTO outbox(topic,key,payload) VALUES('suborder.placed',:oid,jsonb_build_object('order_id',:oid::bigint,'n',1,'vendor_id',:va::int,'sku_id',1::int,'qty',1,'unit_minor',:pa::int,'currency','EUR')),('suborder.placed',:oid,jsonb_build_object('order_id',:oid::bigint,'n',2,'vendor_id',:vb::int,'sku_id',2::int,'qty',1,'unit_minor',:pb::int,'currency','EUR')),('suborder.placed',:oid,jsonb_build_object('order_id',:oid::bigint,'n',3,'vendor_id',:vc::int,'sku_id',3::int,'qty',1,'unit_minor',:pc::int,'currency','EUR'));
COMMIT;
