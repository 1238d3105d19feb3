//! List of all cases. A test ensures that it is complete.

use futures::future::BoxFuture;

use crate::{Capability, TestEnvironment};

/// Case of the suite.
///
/// ```
/// let case = &beseda_conformance::CASES[0];
/// println!("{case} requires {:?}", case.requires);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Operation or topic, the module of the case.
    pub operation: &'static str,
    /// Name: a sentence about behaviour.
    pub name: &'static str,
    /// Required capabilities.
    pub requires: &'static [Capability],
    pub(crate) run: fn(TestEnvironment) -> BoxFuture<'static, ()>,
}

/// Makes a test of every case. The argument is the full path of an `async fn() -> TestEnvironment`; the environment must have
/// all capabilities. For others see [`run`](crate::run()).
#[macro_export]
macro_rules! conformance {
    ($environment:path) => {
        $crate::conformance! { @every tests [$environment] }
    };
    (@every $kind:ident $with:tt) => {
        $crate::conformance! { @$kind $with;
            create_chat {
                a_chat_created_for_an_order_is_new_and_no_dispute [Clock]
                chats_are_created_for_orders_of_every_model [Market]
                chats_are_created_for_returns_of_every_model_except_dbs [Market]
                no_chat_is_created_for_a_return_of_a_dbs_order [Market]
                creating_a_chat_again_returns_the_existing_one [Market]
                an_order_and_its_return_have_different_chats [Market]
                two_returns_of_one_order_have_different_chats [Market]
                the_chat_is_returned_rather_than_the_dispute [Market]
                a_chat_is_created_for_a_context_that_has_only_a_dispute [Market]
                a_chat_opened_by_the_buyer_is_returned [Market]
                a_finished_chat_is_returned [Market]
                an_unknown_order_is_not_found [Market]
                an_unknown_return_is_not_found [Market]
                chat_ids_are_unique [Market]
                concurrent_creations_of_one_chat_return_one_id
                concurrent_creation_by_shop_and_buyer_results_in_one_chat [Market]
            }
            files {
                a_downloaded_file_has_the_bytes_that_were_sent [Files Inspector]
                file_names_in_any_script_and_with_special_characters_are_preserved [Files Inspector]
                folders_are_removed_from_file_names [Files]
                a_link_is_absolute_and_limited_in_length [Files]
                each_upload_of_the_same_file_has_a_link_of_its_own [Files]
                a_guessed_link_is_not_found [Files Inspector]
                a_link_remains_valid_after_its_chat_is_closed [Market Files Inspector]
                a_message_has_the_same_link_in_every_response [Files]
                the_shop_can_download_a_file_of_the_buyer [Market Inspector]
                one_file_is_stored_for_each_message_with_a_file [Files Inspector]
            }
            get_chat {
                an_unknown_chat_is_not_found
                a_chat_without_messages_has_its_creation_time_as_update_time [Clock]
                a_message_of_any_sender_updates_its_chat [Market Clock]
                files_and_stickers_update_their_chat [Market Clock Files]
                the_update_time_of_a_chat_is_that_of_its_last_message
                reading_changes_nothing
                closing_a_chat_writes_no_message_and_does_not_update_it [Market]
            }
            get_chat_history {
                a_chat_without_messages_has_an_empty_history
                every_history_page_has_the_context_of_the_chat [Market]
                the_history_of_an_unknown_chat_is_not_found
                messages_are_listed_oldest_first_with_senders_and_times [Market Clock]
                the_default_history_page_has_fifty_messages
                the_largest_history_page_has_a_hundred_messages
                pages_of_any_size_contain_every_message_once
                the_last_full_page_has_no_token
                nothing_is_skipped_or_repeated_while_new_messages_arrive
                messages_in_other_chats_do_not_affect_paging
                a_history_starts_with_the_given_message
                the_message_a_history_starts_with_need_not_exist
                a_history_after_the_last_message_is_empty
                a_history_from_the_last_known_message_contains_the_new_ones
                a_token_can_be_reused
                garbage_is_rejected_as_a_page_token
                a_token_modified_at_any_position_is_rejected
                a_token_of_another_chat_is_rejected
                a_token_of_the_chat_list_is_rejected_for_a_history
                histories_of_two_chats_are_separate
            }
            get_chat_message {
                a_message_is_the_same_as_in_the_history [Files]
                an_unknown_message_is_not_found
                a_message_of_an_unknown_chat_is_a_chat_not_found
                a_message_of_another_chat_is_not_found
                a_sticker_has_neither_text_nor_payload [Market]
                a_message_of_the_marketplace_is_the_same_as_in_its_response [Market Clock]
            }
            get_chats {
                a_cabinet_without_chats_has_an_empty_list
                the_most_recently_updated_chat_is_listed_first
                a_new_message_moves_its_chat_to_the_front [Clock]
                chats_are_listed_by_update_time [Clock]
                an_order_chat_has_its_order_shop_and_customer [Market]
                a_return_chat_has_its_return_and_its_order [Market]
                a_direct_chat_has_its_customer_and_no_order [Market]
                a_dispute_is_listed_as_a_separate_chat [Market]
                chats_are_found_by_order_ids [Market]
                chats_are_found_by_contexts_of_orders_and_returns [Market]
                an_order_and_a_return_with_the_same_number_are_told_apart [Market]
                a_context_finds_both_the_chat_and_the_dispute [Market]
                chats_are_found_by_context_types [Market]
                chats_are_found_by_type [Market]
                chats_are_found_by_every_status [Market]
                a_chat_is_found_only_by_its_current_status [Market]
                different_filters_must_all_match [Market]
                order_ids_and_contexts_together_must_both_match
                contexts_and_context_types_together_must_both_match [Market]
                duplicates_in_a_filter_change_nothing
                a_filter_that_matches_nothing_returns_an_empty_list
                a_filter_with_many_order_ids_is_accepted
                a_listed_chat_is_the_same_as_in_get_chat [Market]
            }
            get_chats_paging {
                the_default_page_has_ten_chats
                a_page_has_as_many_chats_as_the_limit
                pages_of_any_size_contain_every_chat_once
                the_last_full_page_has_no_token
                chats_with_equal_update_times_are_listed_without_loss
                pages_of_a_filtered_list_skip_other_chats [Market]
                unchanged_chats_are_listed_once_while_others_are_updated
                a_token_can_be_reused
                a_token_can_be_used_with_another_limit
                a_token_is_accepted_with_and_without_padding
                garbage_is_rejected_as_a_page_token
                a_token_modified_at_any_position_is_rejected
                a_token_of_a_history_is_rejected_for_the_chat_list
                a_token_of_another_cabinet_is_rejected [OtherCabinet]
            }
            isolation {
                chats_of_another_cabinet_are_not_listed [OtherCabinet]
                a_chat_of_another_cabinet_is_not_found [OtherCabinet]
                a_history_of_another_cabinet_is_not_found [OtherCabinet]
                a_message_of_another_cabinet_is_not_found [OtherCabinet]
                messages_to_a_chat_of_another_cabinet_are_refused [OtherCabinet Files]
                a_closed_chat_of_another_cabinet_is_reported_as_not_found [Market OtherCabinet]
                an_order_of_another_cabinet_is_not_found [Market OtherCabinet]
                a_return_of_another_cabinet_is_not_found [Market OtherCabinet]
                a_chat_about_an_order_of_another_cabinet_is_not_opened [Market OtherCabinet]
                the_marketplace_writes_only_to_chats_of_the_given_cabinet [Market OtherCabinet]
                disputes_are_opened_and_resolved_only_in_their_own_cabinet [Market OtherCabinet]
                a_return_of_an_order_of_another_cabinet_is_refused [Market OtherCabinet]
                an_order_of_a_shop_of_another_cabinet_is_refused [Market OtherCabinet]
                message_ids_increase_across_cabinets [Market OtherCabinet]
                a_history_token_of_another_cabinet_is_rejected [OtherCabinet]
            }
            market_side {
                registering_an_order_twice_returns_the_same_order [Market]
                registering_an_order_with_different_data_is_refused [Market]
                an_order_of_an_unknown_shop_is_refused [Market]
                an_order_belongs_to_the_first_shop_of_its_model_by_default [Market]
                an_order_defaults_to_fbs_and_may_have_no_customer [Market]
                registering_a_return_twice_returns_the_same_return [Market]
                registering_a_return_with_another_order_is_refused [Market]
                a_return_of_an_unknown_order_is_refused [Market]
                a_chat_about_an_unknown_order_or_return_is_not_opened [Market]
                opening_a_chat_again_adds_the_message_to_the_same_chat [Market]
                a_buyer_opens_the_chat_created_by_the_shop [Market]
                direct_questions_of_two_buyers_have_different_chats [Market]
                a_direct_chat_contains_the_first_message [Market]
                the_marketplace_can_not_write_as_the_shop [Market]
                a_message_is_either_a_text_or_a_sticker [Market]
                the_marketplace_can_not_write_to_unknown_chats [Market]
                messages_of_the_buyer_to_a_closed_chat_are_refused [Market]
                closing_a_chat_twice_changes_nothing [Market]
                no_dispute_is_opened_about_a_direct_question [Market]
                a_dispute_is_opened_by_order_return_context_or_chat [Market]
                no_dispute_is_opened_about_an_unknown_order_return_or_chat [Market]
                a_chat_that_is_no_dispute_can_not_be_resolved [Market]
                messages_of_support_and_market_have_their_senders [Market]
            }
            send_file_to_chat {
                a_file_sent_by_the_shop_is_a_message_with_a_payload [Clock Files]
                files_and_texts_are_listed_in_the_order_of_sending [Files]
                a_chat_waits_for_the_customer_after_a_file [Market Files]
                a_file_of_the_maximum_size_is_accepted [Files Inspector]
                a_file_one_byte_too_large_is_refused_and_not_stored [Files]
                a_file_far_too_large_is_refused_and_not_stored [Files]
                an_interrupted_upload_is_not_stored [Files]
                an_upload_interrupted_before_its_first_byte_is_not_stored [Files]
                a_file_to_an_unknown_chat_is_refused [Files]
                a_file_to_a_closed_chat_is_refused [Market Files]
                files_are_accepted_by_chats_of_every_type [Market Files]
                concurrently_sent_files_are_stored_with_their_own_bytes [Files Inspector]
            }
            send_message_to_chat {
                a_sent_message_is_in_the_history [Clock]
                a_text_sent_twice_is_in_the_history_twice
                a_message_to_an_unknown_chat_is_refused
                a_message_to_a_closed_chat_is_refused [Market]
                a_message_to_a_resolved_dispute_is_refused [Market]
                messages_are_accepted_by_chats_of_every_type [Market]
                texts_in_any_script_are_preserved
                emoji_are_preserved
                quotes_and_backslashes_are_preserved
                line_endings_and_control_characters_are_preserved
                whitespace_around_a_text_is_preserved
                markup_is_preserved
                a_text_of_4096_code_points_is_accepted
                message_ids_increase_across_chats [Market]
                a_message_id_is_the_time_in_microseconds [Clock]
                message_ids_increase_while_the_clock_stands_still [Clock]
                message_ids_increase_while_the_clock_goes_back [Clock]
                concurrently_sent_messages_are_in_the_history_once_and_in_order
                messages_sent_concurrently_to_several_chats_have_different_ids
                paging_during_concurrent_sends_skips_no_message
            }
            status {
                a_chat_created_by_the_shop_is_new
                a_chat_opened_with_a_message_of_the_buyer_waits_for_the_shop [Market]
                a_chat_with_a_direct_question_waits_for_the_shop [Market]
                a_chat_opened_without_a_message_is_new [Market]
                a_new_chat_waits_for_the_shop_after_the_buyers_first_message [Market]
                a_chat_waits_for_the_buyer_after_a_message_of_the_shop
                a_chat_waits_for_the_other_side_after_each_message [Market]
                a_chat_waits_for_the_shop_after_a_file_or_sticker_of_the_buyer [Market]
                a_message_of_market_does_not_change_the_status [Market]
                a_dispute_waits_for_the_arbiter [Market]
                a_dispute_waits_for_the_arbiter_after_a_message_of_the_shop [Market Files]
                a_dispute_waits_for_the_side_that_the_arbiter_asks [Market]
                a_dispute_waits_for_the_arbiter_after_an_answer [Market]
                a_resolved_dispute_is_finished [Market]
                a_closed_chat_is_finished [Market]
                a_dispute_does_not_change_the_chat_of_its_order [Market]
                a_refused_message_does_not_change_the_status [Market]
            }
        }
    };
    (@tests [$environment:path]; $($operation:ident { $($case:ident $([$($capability:ident)+])?)+ })+) => {$(
        mod $operation {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let env = $environment().await;
                env.assert_has(&[$($($crate::Capability::$capability),+)?]);
                $crate::cases::$operation::$case(&env).await;
                env.finish();
            }
        )+}
    )+};
    (@cases []; $($operation:ident { $($case:ident $([$($capability:ident)+])?)+ })+) => {
        /// All cases, by operation.
        pub const CASES: &[Case] = &[$($(Case {
            operation: stringify!($operation),
            name: stringify!($case),
            requires: &[$($(Capability::$capability),+)?],
            run: |env| Box::pin(async move {
                $crate::cases::$operation::$case(&env).await;
                env.finish();
            }),
        },)+)+];
    };
}

conformance! { @every cases [] }
