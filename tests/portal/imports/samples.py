"""Files as other systems write them, made up by hand from their sources: RouterOS's `/export` with what Mikhmon v3 puts there
(laksa19/mikhmonv3, hotspot/adduserprofile.php and generateuser.php), a dump of PHPNuxBill (hotspotbilling/phpnuxbill,
install/phpnuxbill.sql) as mysqldump spells it, and Mikhmon's CSV (hotspot/exportusers.php). No real people or codes."""

MIKHMON = r"""# nov/20/2026 10:00:00 by RouterOS 6.49.7
# software id = AAAA-BBBB
/ip hotspot profile
add dns-name=login.hotspot hotspot-address=10.5.50.1 name=hsprof1
/ip hotspot user profile
set [ find default=yes ] idle-timeout=none
add name=3-Hours on-login=":put (\",remc,20,3h,25,,Disable,\"); {:local comment [ /ip hotspot user get [/ip hotspot user find wh\
    ere name=\"\$user\"] comment]; :local ucode [:pic \$comment 0 2]; :if (\$ucode = \"vc\" or \$ucode = \"up\" or \$comment = \"\") do={ \
    :local date [ /system clock get date ]; /sys sch add name=\"\$user\" disable=no start-date=\$date interval=\"3h\"; :delay 5s; }}" \
    parent-queue=none rate-limit=512k/2M shared-users=1 status-autorefresh=1m
add name=Week on-login=":put (\",ntf,200,7d,0,,Enable,\"); {:local comment 1}" rate-limit="1M/4M 2M/8M 1M/4M 8/8" shared-users=2
add name=Staff rate-limit=10M/10M
/ip hotspot user
add name=admin password=admin
add comment="vc-482-11.18.26-kiosk" limit-uptime=3h name=ab12 password=ab12 profile=3-Hours
add comment="vc-482-11.18.26-kiosk" limit-uptime=3h name=Ab12 password=Ab12 profile=3-Hours
add comment="vc-482-11.18.26-kiosk" limit-uptime=3h name=xy98 password=xy98 profile=3-Hours
add comment="up-117-11.18.26-" name=kim password=4417 profile=Week
add comment="RUNNING-OLD" name=wk77 password=wk77 profile=Week
add comment="RUNNING-NEW" name=wk78 password=wk78 profile=Week limit-bytes-total=1073741824
add comment="nov/01/2020 10:00:00" limit-uptime=1s name=gone1 password=gone1 profile=Week
add disabled=yes name=off22 password=off22 profile=Week
add name=staff password=staff profile=Staff
add comment=vocha:12 name=vocha-0123456789abcdef password=x profile=vocha-2m-x1
/system script
add comment=mikhmon name="nov/19/2026-|-10:14:01-|-qq11-|-20-|-10.5.50.9-|-02:AA:BB:CC:DD:EE-|-3h-|-3-Hours-|-vc-482" owner=\
    nov2026 source="nov/19/2026"
"""

MIKHMON_CSV = """Username,Password,Profile,Time Limit,Data Limit,Comment
ab12,ab12,1 hour,1h,,vc-482-11.18.26-kiosk, near the road
zz34,zz34,Nobody,,,vc-482-11.18.26-
"""

NUXBILL = r"""-- MySQL dump 10.13  Distrib 8.0.35, for Linux (x86_64)
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `tbl_bandwidth`;
CREATE TABLE `tbl_bandwidth` (
  `id` int unsigned NOT NULL AUTO_INCREMENT,
  `name_bw` varchar(255) NOT NULL,
  `rate_down` int unsigned NOT NULL,
  `rate_down_unit` enum('Kbps','Mbps') NOT NULL,
  `rate_up` int unsigned NOT NULL,
  `rate_up_unit` enum('Kbps','Mbps') NOT NULL,
  `burst` varchar(128) NOT NULL DEFAULT '',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB;
LOCK TABLES `tbl_bandwidth` WRITE;
INSERT INTO `tbl_bandwidth` VALUES (1,'Two (2), fast',2,'Mbps',512,'Kbps','');
UNLOCK TABLES;
INSERT INTO `tbl_plans` (`id`, `name_plan`, `id_bw`, `price`, `type`, `typebp`, `limit_type`, `time_limit`,
  `time_unit`, `data_limit`, `data_unit`, `validity`,
  `validity_unit`, `shared_users`, `routers`, `enabled`) VALUES
(1, 'Day \'n night', 1, '50', 'Hotspot', 'Limited', 'Both_Limit', 5, 'Hrs', 2, 'GB', 1, 'Days', 1, 'Main', 1),
(2, 'Home 10', 1, '1500', 'PPPOE', 'Unlimited', NULL, 0, 'Hrs', 0, 'MB', 1, 'Months', 1, 'Main', 1),
(3, 'Odd', 1, '10.50', 'Hotspot', 'Unlimited', NULL, 0, 'Hrs', 0, 'MB', 30, 'Mins', 1, 'Main', 1);
INSERT INTO `tbl_customers` (`id`, `username`, `password`, `fullname`, `phonenumber`, `balance`) VALUES
(1, 'njeri', 'pw44', 'Njeri; O\'Brien (home)', '0712345678', '100.00');
INSERT INTO `tbl_user_recharges` (`id`, `customer_id`, `username`, `plan_id`, `namebp`, `recharged_on`,
  `expiration`, `time`, `status`, `type`) VALUES
(1, 1, 'njeri', 1, 'Day \'n night', '2026-11-20', 'ENDS-DAY', '18:30:00', 'on', 'Hotspot'),
(2, 1, 'njeri', 2, 'Home 10', '2026-11-20', 'ENDS-DAY', '18:30:00', 'on', 'PPPOE');
INSERT INTO `tbl_voucher` VALUES (9,9,9);
INSERT INTO `tbl_voucher` (`id`, `type`, `routers`, `id_plan`, `code`, `user`, `status`, `generated_by`) VALUES
(1, 'Hotspot', 'Main', 1, 'WIFI-88AA', '0', '0', 1), (2, 'Hotspot', 'Main', 1, 'WIFI-99BB', 'njeri', '1', 1),
(3, 'Hotspot', 'Main', 3, 'WIFI-77CC', '0', '0', 1);
INSERT INTO `tbl_transactions` (`id`, `invoice`, `username`, `plan_name`, `price`, `recharged_on`, `method`, `type`) VALUES
(1, 'INV-1', 'njeri', 'Day \'n night', '50', '2026-11-19', 'Cash', 'Hotspot');
"""
