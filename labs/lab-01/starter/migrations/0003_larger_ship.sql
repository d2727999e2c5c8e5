-- The evening crossing has the larger ship from now on.
UPDATE departures SET seats = seats + 40 WHERE leaves >= '18:00';
