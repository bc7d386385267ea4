\set buyer random(1, 100000)
SELECT place_order(:buyer, ARRAY[1,2,3], ARRAY[1,1,1]);
