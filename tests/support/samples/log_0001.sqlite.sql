BEGIN TRANSACTION;
CREATE TABLE tierwise_decisions (
	decision_id VARCHAR NOT NULL, 
	task_type VARCHAR, 
	tier VARCHAR NOT NULL, 
	mode VARCHAR, 
	model VARCHAR, 
	reason VARCHAR, 
	fallback BOOLEAN, 
	confidence FLOAT, 
	propensity FLOAT, 
	model_version VARCHAR, 
	policy_fingerprint VARCHAR, 
	follows VARCHAR, 
	decided_at_us BIGINT NOT NULL, 
	recorded_at_us BIGINT NOT NULL, 
	text_stored VARCHAR NOT NULL, 
	specification TEXT, 
	facts JSON NOT NULL, 
	features JSON, 
	details JSON, 
	PRIMARY KEY (decision_id)
);
INSERT INTO "tierwise_decisions" VALUES('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','meta-description','sonnet','sync','claude-sonnet-5-5','low_confidence',1,4.5971110830317740703e-01,1.0,'dd5c25935118','606e0ef929fdc055',NULL,1793525400000000,1793525400000000,'full','Write meta descriptions for 12 posts','{"items":12}',NULL,'{"plan":["sonnet"],"reasons":["low_confidence"],"probabilities":{"haiku":0.5356616144573245,"sonnet":0.4597111083031774,"opus":0.004627277239498133},"pass_probabilities":{"haiku":0.7296770918228077,"sonnet":0.8873547722424742,"opus":0.9153268786087084},"expected_cost_usd":{"haiku":0.0024009,"sonnet":0.048018,"opus":0.096036},"expected_latency_ms":{"haiku":40600.0,"sonnet":69771.42857142857,"opus":98000.0},"return_to":null,"batch_wait_ceiling_s":null,"versions":{"tierwise":"0.1.0","ladder":"claude","model":"dd5c25935118"},"n_chars":36,"beliefs":{"guard":null,"history":false,"lambda_down":0.6,"lambda_up":0.54,"min_pass":0.6,"all_fail":null,"text":[0.5356616144573245,0.4597111083031774,0.004627277239498133],"counts":null,"tiers":["haiku","sonnet","opus"]},"unavailable":false}');
INSERT INTO "tierwise_decisions" VALUES('bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','resize','haiku','none',NULL,'deterministic',0,0.0,1.0,'dd5c25935118','606e0ef929fdc055',NULL,1793525400000000,1793525400000000,'full','Resize the images','{"deterministic":true}',NULL,'{"plan":[],"reasons":["deterministic"],"probabilities":{"haiku":0.25,"sonnet":0.5,"opus":0.25},"pass_probabilities":{"haiku":0.5615580881901567,"sonnet":0.7761492332222644,"opus":0.8845759317919629},"expected_cost_usd":{},"expected_latency_ms":{},"return_to":null,"batch_wait_ceiling_s":null,"versions":{"tierwise":"0.1.0","ladder":"claude","model":"dd5c25935118"},"n_chars":17,"beliefs":{"guard":"too_short","history":false,"lambda_down":0.6,"lambda_up":0.54,"min_pass":0.6,"all_fail":null,"text":[0.25,0.5,0.25],"counts":null,"tiers":["haiku","sonnet","opus"]},"unavailable":false}');
INSERT INTO "tierwise_decisions" VALUES('cccccccccccccccccccccccccccccccc',NULL,'sonnet','sync','claude-sonnet-5-5','classifier',0,9.70627872598960661498e-01,1.0,'dd5c25935118','606e0ef929fdc055',NULL,1793525400000000,1793525400000000,'full','Draft the launch email','{}',NULL,'{"plan":["sonnet"],"reasons":["classifier"],"probabilities":{"haiku":0.016342323586341728,"sonnet":0.9706278725989607,"opus":0.01302980381469747},"pass_probabilities":{"haiku":0.5479496010484012,"sonnet":0.8548240295588998,"opus":0.8961529964439771},"expected_cost_usd":{"haiku":0.0002006,"sonnet":0.004012,"opus":0.008024},"expected_latency_ms":{"haiku":3933.3333333333335,"sonnet":6914.285714285715,"opus":10000.0},"return_to":null,"batch_wait_ceiling_s":null,"versions":{"tierwise":"0.1.0","ladder":"claude","model":"dd5c25935118"},"n_chars":22,"beliefs":{"guard":null,"history":false,"lambda_down":0.6,"lambda_up":0.54,"min_pass":0.6,"all_fail":null,"text":[0.016342323586341728,0.9706278725989607,0.01302980381469747],"counts":null,"tiers":["haiku","sonnet","opus"]},"unavailable":false}');
CREATE TABLE tierwise_outcomes (
	outcome_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	decision_id VARCHAR NOT NULL, 
	task_type VARCHAR, 
	tier VARCHAR, 
	verdict VARCHAR NOT NULL, 
	basis VARCHAR NOT NULL, 
	at_us BIGINT NOT NULL, 
	recorded_at_us BIGINT NOT NULL, 
	note TEXT, 
	is_effective BOOLEAN NOT NULL, 
	FOREIGN KEY(decision_id) REFERENCES tierwise_decisions (decision_id) ON DELETE CASCADE
);
INSERT INTO "tierwise_outcomes" VALUES(1,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','meta-description','sonnet','clean','check',1793525400000000,1793525400000000,'Prüfung ✓',0);
INSERT INTO "tierwise_outcomes" VALUES(2,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','meta-description','sonnet','corrected','person',1793525400000000,1793525400000000,NULL,1);
INSERT INTO "tierwise_outcomes" VALUES(3,'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','meta-description','sonnet','clean','downstream',1793525400000000,1793525400000000,NULL,0);
INSERT INTO "tierwise_outcomes" VALUES(4,'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','resize',NULL,'failed','person',1793525400000000,1793525400000000,NULL,1);
CREATE TABLE tierwise_policies (
	fingerprint VARCHAR NOT NULL, 
	body JSON NOT NULL, 
	PRIMARY KEY (fingerprint)
);
INSERT INTO "tierwise_policies" VALUES('606e0ef929fdc055','{"policy":{"max_under_tier":0.05,"lambda_down":null,"lambda_up":null,"correction_minutes":null,"hourly_rate_usd":null,"correction_minutes_by_type":{},"check_false_pass":0.02,"check_false_fail":0.01,"batch_over_items":20,"batch_wait_ceiling_s":86400.0,"many_items_over":10,"default_output_tokens":400},"ladder":{"name":"claude","unit":"token","rungs":[{"tier":"haiku","model":"claude-haiku-5-5","prices":[{"input":0.1,"output":0.5,"up_to_prompt_tokens":100000,"cache_read":0.01,"cache_write_5m":0.125,"cache_write_1h":0.2,"batch_input":0.05,"batch_output":0.25},{"input":0.5,"output":2.5,"up_to_prompt_tokens":null,"cache_read":0.05,"cache_write_5m":0.625,"cache_write_1h":1.0,"batch_input":0.25,"batch_output":1.25}],"checked_on":"2026-11-24","source":"genai-prices 0.2.3 and litellm 1.110.2 (prices), anthropic 2.13.0 (model id)","role":"volume","line":"haiku","enabled":true,"context_window_tokens":1000000,"max_output_tokens":128000,"output_tokens_per_second":120,"first_token_ms":600,"accepts":["effort","thinking","structured_outputs"],"retires_on":null,"replaced_by":null},{"tier":"sonnet","model":"claude-sonnet-5-5","prices":[{"input":2.0,"output":10.0,"up_to_prompt_tokens":null,"cache_read":0.1,"cache_write_5m":2.5,"cache_write_1h":4.0,"batch_input":1.0,"batch_output":5.0}],"checked_on":"2026-11-24","source":"genai-prices 0.2.3 and litellm 1.110.2 (prices), anthropic 2.13.0 (model id)","role":"production","line":"sonnet","enabled":true,"context_window_tokens":1000000,"max_output_tokens":128000,"output_tokens_per_second":70,"first_token_ms":1200,"accepts":["effort","thinking","structured_outputs"],"retires_on":null,"replaced_by":null},{"tier":"opus","model":"claude-opus-5-5","prices":[{"input":4.0,"output":20.0,"up_to_prompt_tokens":null,"cache_read":0.2,"cache_write_5m":5.0,"cache_write_1h":8.0,"batch_input":2.0,"batch_output":10.0}],"checked_on":"2026-11-24","source":"genai-prices 0.2.3 and litellm 1.110.2 (prices), anthropic 2.13.0 (model id)","role":"strategy","line":"opus","enabled":true,"context_window_tokens":1000000,"max_output_tokens":128000,"output_tokens_per_second":50,"first_token_ms":2000,"accepts":["effort","thinking","structured_outputs"],"retires_on":null,"replaced_by":null}]}}');
CREATE TABLE tierwise_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT tierwise_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "tierwise_version" VALUES('0001');
CREATE INDEX ix_tierwise_decisions_task_type ON tierwise_decisions (task_type);
CREATE INDEX ix_tierwise_outcomes_decision_id ON tierwise_outcomes (decision_id);
CREATE INDEX ix_tierwise_outcomes_type ON tierwise_outcomes (task_type, is_effective, tier, verdict, at_us);
CREATE UNIQUE INDEX uq_tierwise_outcomes_effective ON tierwise_outcomes (decision_id) WHERE is_effective;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('tierwise_outcomes',4);
COMMIT;
