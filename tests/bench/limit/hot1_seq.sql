\set buyer random(1, 100000)
BEGIN;
UPDATE stock SET available=available-1 WHERE sku_id=1 AND available>=1 RETURNING vendor_id AS va, price_minor AS pa \gset
INSERT INTO orders(buyer_id,status,total_minor,currency) VALUES(:buyer,1,:pa::int,'EUR') RETURNING id AS oid \gset
INSERT INTO sub_orders VALUES(:oid,1,:va,1,:pa);
INSERT INTO lines VALUES(:oid,1,1,1,1,:pa);
INSERT INTO outbox(topic,key,payload) VALUES('suborder.placed',:oid,jsonb_build_object('order_id',:oid::bigint,'n',1,'vendor_id',:va::int,'sku_id',1,'qty',1,'unit_minor',:pa::int,'currency','EUR'));
COMMIT;
