-- One order, one round trip: the quickest way that takes one transaction per order. SKUs must come sorted (lock order).
CREATE FUNCTION place_order(p_buyer bigint, p_sku int[], p_qty int[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE oid bigint := nextval('orders_id_seq'); i int; k int := cardinality(p_sku); v int; p int; vs int[]; ps int[]; tot bigint := 0;
BEGIN
  FOR i IN 1..k LOOP
    UPDATE stock SET available = available - p_qty[i] WHERE sku_id = p_sku[i] AND available >= p_qty[i] RETURNING vendor_id, price_minor INTO v, p;
    IF NOT FOUND THEN RAISE EXCEPTION 'out_of_stock %', p_sku[i] USING ERRCODE='P0001'; END IF;
    vs[i] := v; ps[i] := p; tot := tot + p * p_qty[i];
  END LOOP;
  INSERT INTO orders(id,buyer_id,status,total_minor,currency) VALUES (oid,p_buyer,1,tot,'EUR');
  INSERT INTO sub_orders SELECT oid, n, vs[n], 1, ps[n]*p_qty[n] FROM generate_series(1,k) n;
  INSERT INTO lines SELECT oid, n, 1, p_sku[n], p_qty[n], ps[n] FROM generate_series(1,k) n;
  INSERT INTO outbox(topic,key,payload) SELECT 'suborder.placed', oid, jsonb_build_object('order_id',oid,'n',n,'vendor_id',vs[n],'sku_id',p_sku[n],'qty',p_qty[n],'unit_minor',ps[n],'currency','EUR') FROM generate_series(1,k) n;
  RETURN oid;
END $$;
