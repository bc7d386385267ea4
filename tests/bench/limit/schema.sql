CREATE TABLE vendor(id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE stock(sku_id int PRIMARY KEY, vendor_id int NOT NULL REFERENCES vendor, price_minor int NOT NULL,
  available int NOT NULL CHECK (available >= 0)) WITH (fillfactor=50);
CREATE SEQUENCE orders_id_seq CACHE 1;
CREATE TABLE orders(id bigint PRIMARY KEY DEFAULT nextval('orders_id_seq'), buyer_id bigint NOT NULL, status smallint NOT NULL,
  total_minor bigint NOT NULL, currency char(3) NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE sub_orders(order_id bigint NOT NULL REFERENCES orders, n smallint NOT NULL, vendor_id int NOT NULL, status smallint NOT NULL,
  total_minor bigint NOT NULL, PRIMARY KEY(order_id,n));
CREATE INDEX sub_orders_vendor ON sub_orders(vendor_id, order_id);
CREATE TABLE lines(order_id bigint NOT NULL, n smallint NOT NULL, line smallint NOT NULL, sku_id int NOT NULL, qty int NOT NULL,
  unit_minor int NOT NULL, PRIMARY KEY(order_id,n,line), FOREIGN KEY(order_id,n) REFERENCES sub_orders);
CREATE TABLE outbox(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key bigint NOT NULL, payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now());
INSERT INTO vendor SELECT g,'vendor '||g FROM generate_series(0,99) g;
INSERT INTO stock SELECT g, g%100, 500+g%997, 1000000000 FROM generate_series(1,10000) g;
ANALYZE;
